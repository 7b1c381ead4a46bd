"""Loads text encoders and tokenizers from files: CLIP's (Radford et al. 2021) and BERT's."""

from pathlib import Path
from typing import Any

import torch

from impasto.errors import ImpastoError, MissingPart
from impasto.language.minilm import load_bert
from impasto.weights.files import fill_module, one_line, read_weights
from impasto.weights.header import read_json, weight_files

CLIP_HUB_NAME = "openai/clip-vit-large-patch14"
CLIP_TOKENS = 77
VOCABULARIES = (("vocab.json", "merges.txt"), ("tokenizer.json",), ("vocab.txt",))


def load_text_encoder_folder(
    folder: Path, device: torch.device, dtype: torch.dtype, *, learns: bool = True
) -> torch.nn.Module:
    """Loads the encoder in a diffusers folder's `text_encoder`; `learns`: see `load_bert`.

    Raises:
        MissingPart, ImpastoError: files are missing or broken, or it is of another kind than CLIP or BERT.
    """
    config = read_json(folder / "config.json")
    kind = config.get("model_type")
    if kind == "bert":
        return load_bert(folder, device, dtype, learns=learns)
    if kind not in ("clip_text_model", "clip"):
        raise ImpastoError(f"{folder / 'config.json'}: text encoder {kind!r} is neither CLIP's nor BERT's")
    files = weight_files(folder, "model")
    weights = {name.removeprefix("text_model."): value for name, value in read_weights(files).items()}
    return make_clip(config, weights, files[0], device, dtype)


def make_clip(
    config: dict[str, Any],
    weights: dict[str, torch.Tensor],
    source: Path,
    device: torch.device,
    dtype: torch.dtype,
) -> torch.nn.Module:
    """Builds a `CLIPTextModel` with these weights (names without the prefix `text_model.`)."""
    from transformers.models.clip.configuration_clip import CLIPTextConfig
    from transformers.models.clip.modeling_clip import CLIPTextModel

    content = {key: value for key, value in config.items() if key not in ("transformers_version", "dtype")}
    content.pop("torch_dtype", None)
    return fill_module(
        lambda: CLIPTextModel(CLIPTextConfig.from_dict(content)), weights, source, dtype, device
    )


def untrained_like(encoder: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Returns a text encoder with the same config and device, in fp32, with transformers' random initial weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh: Any = type(encoder)(encoder.config)
    if getattr(encoder, "pooler", None) is None:
        fresh.pooler = None
    return fresh.to(next(encoder.parameters()).device).eval()


def load_tokenizer(folder: Path, encoder_kind: str) -> Any:
    """Loads the tokenizer in `folder`, of the kind that the text encoder's `model_type` needs.

    Raises:
        MissingPart, ImpastoError: its files are missing or broken.
    """
    if not any(all((folder / name).is_file() for name in names) for names in VOCABULARIES):
        raise MissingPart(f"{folder} holds no tokenizer (vocab.json and merges.txt, or tokenizer.json)")
    try:
        if encoder_kind == "bert":
            from transformers.models.bert.tokenization_bert import BertTokenizer

            return BertTokenizer.from_pretrained(folder, local_files_only=True)
        from transformers.models.clip.tokenization_clip import CLIPTokenizer

        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # tokenizers raises bare Exception on broken files
        raise ImpastoError(f"{folder} holds no tokenizer that can be read: {one_line(error)}") from None


def clip_tokenizer_folder(file: Path) -> Path:
    """Finds the folder of CLIP's vocabulary for a single-file checkpoint: beside the file, or in the Hugging Face cache.

    Raises:
        MissingPart: it is in neither; the message says which files to put where.
    """
    from impasto.weights.hub import cached_folder

    beside = file.parent / "tokenizer"
    cached = cached_folder(CLIP_HUB_NAME)
    for folder in (beside, cached):
        if folder is not None and any(
            all((folder / n).is_file() for n in names) for names in VOCABULARIES[:2]
        ):
            return folder
    raise MissingPart(
        f"CLIP's vocabulary is not here: put vocab.json and merges.txt of {CLIP_HUB_NAME} into {beside}"
    )


def token_limit(tokenizer: Any, config: Any) -> int:
    """Returns the number of tokens that a text is padded or cut to: the tokenizer's limit, at most the encoder's."""
    limit = getattr(tokenizer, "model_max_length", None) or CLIP_TOKENS
    return int(min(limit, getattr(config, "max_position_embeddings", CLIP_TOKENS)))

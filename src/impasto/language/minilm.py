"""Loads the text encoder of the pocket checkpoint, all-MiniLM-L6-v2 (Reimers and Gurevych 2019), from its own package.

The U-Net attends to its 77 token states in place of CLIP's. Impasto contains no copy of its weights.
"""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from impasto.errors import ImpastoError
from impasto.language.bert import BertEncoder, BertShape
from impasto.language.bert_tokens import BertTokens
from impasto.language.minilm_files import MAX_TOKENS, check_minilm, minilm_folder
from impasto.weights.content_hash import MINILM_SHA256
from impasto.weights.files import fill_module, one_line, read_weights
from impasto.weights.header import read_json, weight_files


@dataclass
class TextEncoder:
    """MiniLM with its tokenizer."""

    model: torch.nn.Module
    tokenizer: Any
    sha256: str = MINILM_SHA256
    max_tokens: int = MAX_TOKENS

    @cached_property
    def width(self) -> int:
        return self.model.config.hidden_size  # pyright: ignore[reportAttributeAccessIssue, reportReturnType]

    def states(self, texts: list[str]) -> torch.Tensor:
        """Returns token states [len(texts), 77, 384] of texts padded or cut to 77 tokens."""
        return token_states(self.model, self.tokenizer, texts, self.max_tokens)


def token_states(model: torch.nn.Module, tokenizer: Any, texts: list[str], max_tokens: int) -> torch.Tensor:
    """Returns the last hidden states [n, max_tokens, width], as `StableDiffusionPipeline.encode_prompt` computes them; no
    gradients.
    """
    numbers, mask = text_inputs(model, tokenizer, texts, max_tokens)
    with torch.no_grad():
        return model(numbers, attention_mask=mask)[0]


def text_inputs(
    model: torch.nn.Module, tokenizer: Any, texts: list[str], max_tokens: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Returns a text encoder's inputs: token ids and attention mask, int64 [n, max_tokens], on its device.

    The mask is None unless the encoder's config has `use_attention_mask`: CLIP was trained without one.
    """
    tokens = tokenizer(
        texts, padding="max_length", max_length=max_tokens, truncation=True, return_tensors="pt"
    )
    device = next(model.parameters()).device
    masked = getattr(model.config, "use_attention_mask", False)
    return tokens.input_ids.to(device), tokens.attention_mask.to(device) if masked else None


def load_text_encoder(
    *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32, learns: bool = True
) -> TextEncoder:
    """Loads MiniLM from its package and checks its hash; `learns`: see `load_bert`.

    Raises:
        MissingPart, ImpastoError: the package is missing, or holds other weights.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    folder = minilm_folder()
    check_minilm(folder)
    model = load_bert(folder, torch.device(device), dtype, learns=learns)
    if not learns:
        return TextEncoder(model, BertTokens(folder / "tokenizer.json", MAX_TOKENS, lambda: load_bert_tokenizer(folder)))
    return TextEncoder(model, load_bert_tokenizer(folder))


def load_bert(folder: Path, device: torch.device, dtype: torch.dtype, *, learns: bool = True) -> torch.nn.Module:
    """Loads a `BertModel` whose config asks for an attention mask.

    It has a pooler only if the file has one; the token states do not need it.

    Args:
        learns: False for an encoder that is only read from: a `BertEncoder`, which is there two seconds sooner, if the
            config asks for nothing that it lacks.
    """
    files = weight_files(folder, "model")
    shape = None if learns else BertShape.from_config(read_json(folder / "config.json"))
    if shape is not None:
        weights = {name: value for name, value in read_weights(files).items() if not name.startswith("pooler.")}
        return fill_module(lambda: BertEncoder(shape), weights, files[0], dtype, device)
    from transformers.models.bert.modeling_bert import BertModel

    config, weights = bert_config(folder), read_weights(files)
    pooled = "pooler.dense.weight" in weights
    return fill_module(lambda: BertModel(config, add_pooling_layer=pooled), weights, files[0], dtype, device)


def bert_config(folder: Path) -> Any:
    """Reads the `BertConfig` in `folder`, and sets `use_attention_mask=True`, so that diffusers passes the mask.

    Raises:
        MissingPart, ImpastoError: the file is missing or does not describe such a model.
    """
    from transformers.models.bert.configuration_bert import BertConfig

    content = read_json(folder / "config.json")
    for left_by_others in ("transformers_version", "_name_or_path", "dtype", "torch_dtype"):
        content.pop(left_by_others, None)
    try:
        return BertConfig.from_dict({**content, "use_attention_mask": True})
    except Exception as error:  # transformers checks some fields, and each check raises its own exception
        raise ImpastoError(f"{folder / 'config.json'} describes no text encoder: {one_line(error)}") from None


def load_bert_tokenizer(folder: Path) -> Any:
    """Loads MiniLM's tokenizer, with a limit of 77 tokens."""
    from transformers.models.bert.tokenization_bert import BertTokenizer

    try:
        return BertTokenizer.from_pretrained(folder, model_max_length=MAX_TOKENS, local_files_only=True)
    except Exception as error:  # tokenizers raises bare Exception on broken files
        raise ImpastoError(f"{folder} holds no tokenizer that can be read: {one_line(error)}") from None

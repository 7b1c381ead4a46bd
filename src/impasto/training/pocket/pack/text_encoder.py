"""Packs MiniLM in int8, with only the vocabulary rows that the texts need; token numbers do not change.

With a scale for every 64 weights, a text's states are within 2 % of the whole encoder's; with one scale per row, within 3 %.
The empty text is the exception: its 75 padding tokens attend to next to nothing, and their states change by a fifth. So its
states are stored as the whole encoder computes them.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from impasto.language.minilm import (
    MAX_TOKENS,
    TextEncoder,
    bert_config,
    load_bert_tokenizer,
    load_text_encoder,
    minilm_folder,
)
from impasto.weights.files import fill_module

_WORDS, _POSITIONS = "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"
_ROWS, _EMPTY, _SCALE = "rows", "empty", ".scale"
_SPECIAL = (0, 100, 101, 102, 103)
_UNKNOWN = 100  # [UNK]
_GROUP = 64
_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


@dataclass
class PackedEncoder(TextEncoder):
    """MiniLM as unpacked from a pack.

    Attributes:
        empty: the whole encoder's states of the empty text, [77, width].
    """

    empty: torch.Tensor = field(default_factory=lambda: torch.zeros(0))

    def states(self, texts: list[str]) -> torch.Tensor:
        """Returns states as `TextEncoder.states` does."""
        found = super().states(texts)
        silent = torch.tensor([not text for text in texts], device=found.device).view(-1, 1, 1)
        return torch.where(silent, self.empty[: self.max_tokens].to(found), found)


def pack_text_encoder(folder: Path, texts: Iterable[str]) -> None:
    """Writes into `folder` an encoder for `texts`, and for other texts with the same tokens.

    Raises:
        MissingPart, ImpastoError: MiniLM's package is missing or is another one.
    """
    encoder = load_text_encoder()
    folder.mkdir(parents=True)
    used = set(_SPECIAL)
    waiting = list(texts)
    for start in range(0, len(waiting), 1024):
        for row in encoder.tokenizer(waiting[start : start + 1024])["input_ids"]:
            used.update(row)
    rows = torch.tensor(sorted(used))
    kept: dict[str, torch.Tensor] = {_ROWS: rows.to(torch.int32), _EMPTY: encoder.states([""])[0].half()}
    for name, value in encoder.model.state_dict().items():
        if name.startswith("pooler."):
            continue
        if name == _WORDS:
            value = value[rows]
        if name == _POSITIONS:
            value = value[:MAX_TOKENS]
        if value.ndim < 2 or (name.startswith("embeddings.") and name != _WORDS):
            kept[name] = value.half()
        else:
            kept[name], kept[name + _SCALE] = _grouped(value)
    save_file({name: value.contiguous() for name, value in kept.items()}, folder / "model.safetensors")
    source = minilm_folder()
    for name in _FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)


def _grouped(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Quantises a weight to int8 values [out, in] and fp16 scales [out, in / 64]."""
    groups = weight.reshape(len(weight), -1, _GROUP)
    scale = (groups.abs().amax(dim=2, keepdim=True) / 127).clamp(min=2.0**-24).half()
    levels = (groups / scale.float()).round().clamp(-127, 127).to(torch.int8)
    return levels.reshape(weight.shape), scale[:, :, 0]


def unpack_text_encoder(folder: Path, device: torch.device) -> PackedEncoder:
    """Loads the packed encoder; tokens that were left out are encoded as unknown tokens."""
    from transformers.models.bert.modeling_bert import BertModel

    kept = load_file(folder / "model.safetensors")
    rows, empty = kept.pop(_ROWS).long(), kept.pop(_EMPTY).float()
    config = bert_config(folder)
    weights = {}
    for name, value in kept.items():
        if name.endswith(_SCALE):
            continue
        weights[name] = value.float()
        if name + _SCALE in kept:
            groups = value.float().reshape(len(value), -1, _GROUP) * kept[name + _SCALE].float()[:, :, None]
            weights[name] = groups.reshape(value.shape)
    words = weights[_WORDS][(rows == _UNKNOWN).nonzero()[0, 0]].repeat(config.vocab_size, 1)
    words[rows] = weights[_WORDS]
    positions = torch.zeros(config.max_position_embeddings, words.shape[1])
    positions[:MAX_TOKENS] = weights[_POSITIONS]
    weights |= {_WORDS: words, _POSITIONS: positions}
    model = fill_module(
        lambda: BertModel(config, add_pooling_layer=False), weights, folder, torch.float32, device
    )
    return PackedEncoder(model, _tokenizer(folder), empty=empty.to(device))


def _tokenizer(folder: Path) -> Any:
    """Loads the tokenizer in Rust: before version 5, transformers' plain one was a hundred times slower."""
    import transformers

    fast: Any = getattr(transformers, "BertTokenizerFast", None)
    if fast is None:
        return load_bert_tokenizer(folder)
    return fast.from_pretrained(folder, model_max_length=MAX_TOKENS, local_files_only=True)


def vocabulary_of(folder: Path) -> int:
    """Returns the number of tokens in a packed encoder's vocabulary."""
    return len(load_file(folder / "model.safetensors")[_ROWS])

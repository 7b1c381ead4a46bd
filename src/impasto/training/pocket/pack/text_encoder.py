"""MiniLM in a pack: int8, and of its vocabulary the rows that the texts need; token numbers stay as they are."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from impasto.checkpoints.int8_weights import dequantize, quantize
from impasto.checkpoints.minilm import TextEncoder, bert_config, load_bert_tokenizer, load_text_encoder, minilm_folder
from impasto.checkpoints.weights import fill_module

_WORDS, _ROWS, _UNKNOWN = "embeddings.word_embeddings.weight", "rows", 100  # [UNK]
_SPECIAL = (0, 100, 101, 102, 103)
_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def pack_text_encoder(folder: Path, texts: Iterable[str]) -> None:
    """Writes into `folder` what encodes `texts`, and texts of their tokens.

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
    state = dict(encoder.model.state_dict())
    state = {name: value for name, value in state.items() if not name.startswith("pooler.")}
    state[_WORDS] = state[_WORDS][rows]
    save_file({**quantize(state), _ROWS: rows.to(torch.int32)}, folder / "model.safetensors")
    source = minilm_folder()
    for name in _FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)


def unpack_text_encoder(folder: Path, device: torch.device) -> TextEncoder:
    """The encoder; tokens that were left out are unknown ones to it."""
    from transformers.models.bert.modeling_bert import BertModel

    kept = load_file(folder / "model.safetensors")
    rows = kept.pop(_ROWS).long()
    weights = dequantize(kept, torch.float32)
    config = bert_config(folder)
    words = weights[_WORDS][(rows == _UNKNOWN).nonzero()[0, 0]].repeat(config.vocab_size, 1)
    words[rows] = weights[_WORDS]
    weights[_WORDS] = words
    model = fill_module(
        lambda: BertModel(config, add_pooling_layer=False), weights, folder, torch.float32, device
    )
    return TextEncoder(model, load_bert_tokenizer(folder))


def vocabulary_of(folder: Path) -> int:
    """How many tokens a packed encoder knows."""
    return len(load_file(folder / "model.safetensors")[_ROWS])

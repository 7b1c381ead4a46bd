"""Encodes texts as MiniLM's sentence embeddings (Reimers and Gurevych 2019), for similarity and retrieval.

The weights are those of pocket's text encoder, but in torch's own `TransformerEncoder`: importing
transformers' BERT takes several seconds, longer than an expansion itself.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from impasto.language.minilm import WIDTH, check_minilm, minilm_folder
from impasto.weights.files import read_weights

_LAYERS, _HEADS, _INNER, _EPSILON = 6, 12, 1536, 1e-12


class SentenceEncoder(nn.Module):
    """The sentence encoder all-MiniLM-L6-v2: BERT's embeddings, six layers, and the mean of a text's token states."""

    def __init__(self, weights: dict[str, torch.Tensor], tokenizer: Tokenizer) -> None:
        super().__init__()
        words = weights["embeddings.word_embeddings.weight"]
        self.words = nn.Embedding.from_pretrained(words)
        # A single text has token type 0 everywhere, so that its vector can be added once to the position embeddings.
        places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        self.places = nn.Embedding.from_pretrained(places)
        self.norm = nn.LayerNorm(WIDTH, _EPSILON)
        layer = nn.TransformerEncoderLayer(
            WIDTH, _HEADS, _INNER, dropout=0.0, activation="gelu", layer_norm_eps=_EPSILON, batch_first=True
        )
        self.layers = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)
        self.norm.load_state_dict(_of(weights, "embeddings.LayerNorm"))
        for number, block in enumerate(self.layers.layers):
            block.load_state_dict(_layer_weights(weights, f"encoder.layer.{number}"))
        self._tokenizer = tokenizer
        self.eval().requires_grad_(False)

    @torch.inference_mode()
    def vectors(self, texts: Sequence[str], *, batch: int = 32, longest: int = 128) -> np.ndarray:
        """Returns unit vectors, float32 [n, 384]. A text longer than `longest` tokens is truncated."""
        found = np.zeros((len(texts), WIDTH), np.float32)
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(texts)), key=lambda place: len(tokens[place]))  # keeps padding in a batch low
        for start in range(0, len(texts), batch):
            places = order[start : start + batch]
            rows = [row if len(row) <= longest else [*row[: longest - 1], row[-1]] for row in (tokens[p] for p in places)]
            length = max(map(len, rows))
            ids = torch.tensor([[*row, *[0] * (length - len(row))] for row in rows])
            mask = torch.tensor([[1.0] * len(row) + [0.0] * (length - len(row)) for row in rows])[..., None]
            states = self.norm(self.words(ids) + self.places.weight[:length])
            states = self.layers(states, src_key_padding_mask=mask[..., 0] == 0)
            means = (states * mask).sum(dim=1) / mask.sum(dim=1)
            found[places] = nn.functional.normalize(means, dim=-1).numpy()
        return found

    def count_tokens(self, text: str) -> int:
        """Returns the number of tokens of a text, including the two special tokens."""
        return len(self._tokenizer.encode(text).ids)


def _of(weights: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    return {"weight": weights[f"{name}.weight"], "bias": weights[f"{name}.bias"]}


def _layer_weights(weights: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Converts BERT's names to those of `nn.TransformerEncoderLayer`, which keeps query, key and value in one matrix."""
    names = {
        "self_attn.out_proj": "attention.output.dense",
        "linear1": "intermediate.dense",
        "linear2": "output.dense",
        "norm1": "attention.output.LayerNorm",
        "norm2": "output.LayerNorm",
    }
    found = {
        f"{ours}.{kind}": value
        for ours, theirs in names.items()
        for kind, value in _of(weights, f"{prefix}.{theirs}").items()
    }
    for kind in ("weight", "bias"):
        parts = [weights[f"{prefix}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
        found[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
    return found


@cache
def sentence_encoder() -> SentenceEncoder:
    """Loads MiniLM from its package once, and checks its hash.

    Raises:
        MissingPart, ImpastoError: the package is missing, or holds other weights.
    """
    folder = minilm_folder()
    check_minilm(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return SentenceEncoder(read_weights([folder / "model.safetensors"]), tokenizer)

"""Encodes texts as MiniLM's sentence embeddings (Reimers and Gurevych 2019), for similarity and retrieval.

The weights are those of pocket's text encoder. The six layers are computed by NumPy: an expansion needs a few dozen vectors,
and importing torch takes longer than all of them.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from impasto.errors import ImpastoError
from impasto.language.minilm_files import REINSTALL, WIDTH, check_minilm, minilm_folder

_LAYERS, _HEADS, _EPSILON = 6, 12, np.float32(1e-12)
_ROWS = 32  # of the inner layer at a time, so that they stay in the CPU's cache

Floats = NDArray[np.float32]


class SentenceEncoder:
    """The sentence encoder all-MiniLM-L6-v2: BERT's embeddings, six layers, and the mean of a text's token states."""

    def __init__(self, weights: dict[str, Floats], tokenizer: Tokenizer) -> None:
        """`weights`: those of a `BertModel`, by its names."""
        self._words = weights["embeddings.word_embeddings.weight"]
        # A single text has token type 0 everywhere, so that its vector can be added once to the position embeddings.
        one_type = weights["embeddings.token_type_embeddings.weight"][0]
        self._places = weights["embeddings.position_embeddings.weight"] + one_type
        self._norm = _Norm(weights, "embeddings.LayerNorm")
        self._layers = [_Layer(weights, f"encoder.layer.{number}") for number in range(_LAYERS)]
        self._tokenizer = tokenizer

    def vectors(self, texts: Sequence[str], *, batch: int = 32, longest: int = 128) -> Floats:
        """Returns unit vectors, float32 [n, 384]. A text longer than `longest` tokens is truncated."""
        found = np.zeros((len(texts), WIDTH), np.float32)
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(texts)), key=lambda place: len(tokens[place]))  # keeps padding in a batch low
        for start in range(0, len(texts), batch):
            places = order[start : start + batch]
            rows = [row if len(row) <= longest else [*row[: longest - 1], row[-1]] for row in (tokens[p] for p in places)]
            length = max(map(len, rows))
            ids = np.array([[*row, *[0] * (length - len(row))] for row in rows])
            seen = np.array([[1] * len(row) + [0] * (length - len(row)) for row in rows], np.float32)
            hidden = ((seen - 1) * np.float32(1e9))[:, None, None, :]
            states = self._norm(self._words[ids] + self._places[:length])
            for layer in self._layers:
                states = layer(states, hidden)
            means = (states * seen[..., None]).sum(axis=1) / seen.sum(axis=1)[:, None]
            found[places] = means / np.linalg.norm(means, axis=-1, keepdims=True)
        return found

    def count_tokens(self, text: str) -> int:
        """Returns the number of tokens of a text, including the two special tokens."""
        return len(self._tokenizer.encode(text).ids)


class _Norm:
    """Layer normalisation (Ba et al. 2016)."""

    def __init__(self, weights: dict[str, Floats], name: str) -> None:
        self._scale, self._shift = weights[f"{name}.weight"], weights[f"{name}.bias"]

    def __call__(self, states: Floats) -> Floats:
        centred = states - states.mean(axis=-1, keepdims=True)
        centred /= np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + _EPSILON)
        centred *= self._scale
        centred += self._shift
        return centred


class _Layer:
    """One layer of BERT (Devlin et al. 2019): self-attention and a network of two layers, each added and normalised."""

    def __init__(self, weights: dict[str, Floats], name: str) -> None:
        parts = [_linear(weights, f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
        self._attended = np.concatenate([matrix for matrix, _ in parts], axis=1), np.concatenate([bias for _, bias in parts])
        self._joined = _linear(weights, f"{name}.attention.output.dense")
        self._first = _Norm(weights, f"{name}.attention.output.LayerNorm")
        self._inner = _linear(weights, f"{name}.intermediate.dense")
        self._outer = _linear(weights, f"{name}.output.dense")
        self._last = _Norm(weights, f"{name}.output.LayerNorm")

    def __call__(self, states: Floats, hidden: Floats) -> Floats:
        """states [n, tokens, width]; hidden [n, 1, 1, tokens], 0 or far below it where there is only padding -> states."""
        count, length, width = states.shape
        size = width // _HEADS
        query, key, value = _apply(self._attended, states).reshape(count, length, 3, _HEADS, size).transpose(2, 0, 3, 1, 4)
        shares = np.matmul(query * np.float32(size**-0.5), key.transpose(0, 1, 3, 2))
        shares += hidden
        shares -= shares.max(axis=-1, keepdims=True)
        np.exp(shares, out=shares)
        shares /= shares.sum(axis=-1, keepdims=True)
        mixed = np.matmul(shares, value).transpose(0, 2, 1, 3).reshape(count, length, width)
        states = self._first(_apply(self._joined, mixed) + states)
        inner = _apply(self._inner, states)
        _gelu(inner.reshape(count * length, -1))
        return self._last(_apply(self._outer, inner) + states)


def _linear(weights: dict[str, Floats], name: str) -> tuple[Floats, Floats]:
    """Returns the transposed matrix and the bias of a linear layer."""
    return weights[f"{name}.weight"].T, weights[f"{name}.bias"]


def _apply(linear: tuple[Floats, Floats], states: Floats) -> Floats:
    """states [n, tokens, width] -> [n, tokens, other width], in one matrix product."""
    made = states.reshape(-1, states.shape[-1]) @ linear[0]
    made += linear[1]
    return made.reshape(*states.shape[:-1], -1)


# Abramowitz and Stegun 1964, formula 7.1.26: erf(x) for x >= 0 by powers of 1 / (1 + p x), to 1.5e-7.
_P = np.float32(0.3275911)
_POWERS = [np.float32(a) for a in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)]


def _gelu(inner: Floats) -> None:
    """Replaces each x of [rows, width] by x (1 + erf(x / sqrt 2)) / 2, GELU (Hendrycks and Gimpel 2016), in place."""
    for start in range(0, len(inner), _ROWS):
        rows = inner[start : start + _ROWS]
        x = rows * np.float32(0.5**0.5)
        t = np.abs(x)
        t *= _P
        t += 1
        np.reciprocal(t, out=t)
        tail = t * _POWERS[0]
        for power in _POWERS[1:]:
            tail += power
            tail *= t
        np.square(x, out=t)
        np.negative(t, out=t)
        tail *= np.exp(t, out=t)
        np.subtract(1, tail, out=tail)
        np.copysign(tail, x, out=tail)
        tail += 1
        tail *= np.float32(0.5)
        rows *= tail


@cache
def sentence_encoder() -> SentenceEncoder:
    """Loads MiniLM from its package once, and checks its hash.

    Raises:
        MissingPart, ImpastoError: the package is missing, or holds other weights.
    """
    folder = minilm_folder()
    check_minilm(folder)
    return _load(folder)


def _load(folder: Path) -> SentenceEncoder:
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception:  # tokenizers raises bare Exception on a missing or broken file
        raise ImpastoError(f"{folder} holds no tokenizer that can be read: {REINSTALL}") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return SentenceEncoder(load_file(folder / "model.safetensors"), tokenizer)

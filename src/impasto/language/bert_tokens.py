"""Reads texts as MiniLM's tokens without importing transformers, which takes a second of a core."""

import copy
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from tokenizers import Encoding, Tokenizer

from impasto.errors import ImpastoError
from impasto.weights.files import one_line

_PLAIN = {"padding", "max_length", "truncation", "return_tensors", "return_offsets_mapping", "return_special_tokens_mask",
          "verbose"}  # fmt: skip


class TokensRead(dict[str, Any]):
    """What a text was read as: `input_ids`, `attention_mask` and what else was asked for, as keys and as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class BertTokens:
    """Calls as painters make them give what transformers' `BertTokenizer` gives; everything else is left to that tokenizer,
    and so is a deep copy, to which words may be added.

    Attributes:
        model_max_length: the number of tokens that texts are cut to, if a call names none.
    """

    def __init__(self, file: Path, model_max_length: int, load_whole: Callable[[], Any]) -> None:
        """Reads `file`, a tokenizer.json.

        Args:
            load_whole: loads transformers' tokenizer.

        Raises:
            ImpastoError: the file is missing or broken.
        """
        self.model_max_length = model_max_length
        self._load_whole = load_whole
        try:
            state = file.stat()
            self._quick, self._lock = _read(file, state.st_mtime_ns, state.st_size, state.st_ino)
        except Exception as error:  # tokenizers raises bare Exception on broken files
            raise ImpastoError(f"{file} holds no tokenizer that can be read: {one_line(error)}") from None

    @cached_property
    def whole(self) -> Any:
        """transformers' tokenizer of the same files."""
        return self._load_whole()

    @property
    def unk_token_id(self) -> int | None:
        """The number of the token for what has no other."""
        return self._quick.token_to_id("[UNK]")

    def __call__(self, text: str | list[str], **options: Any) -> Any:
        """Returns the tokens of a text, or of several, as `BertTokenizer.__call__` does."""
        kinds = options.get("padding", False), options.get("truncation", False), options.get("return_tensors")
        known = kinds[0] in (False, "max_length") and isinstance(kinds[1], bool) and kinds[2] in (None, "pt")
        if not known or not options.keys() <= _PLAIN or not isinstance(text, str | list):
            return self.whole(text, **options)
        length = options.get("max_length") or self.model_max_length
        rows = self._rows([text] if isinstance(text, str) else text, length, padded=bool(kinds[0]), cut=kinds[1])
        parts = {"input_ids": [row.ids for row in rows], "attention_mask": [row.attention_mask for row in rows]}
        if options.get("return_special_tokens_mask"):
            parts["special_tokens_mask"] = [row.special_tokens_mask for row in rows]
        if kinds[2] == "pt":
            return TokensRead({name: torch.tensor(value) for name, value in parts.items()})
        read: dict[str, Any] = {**parts}
        if options.get("return_offsets_mapping"):
            read["offset_mapping"] = [row.offsets for row in rows]
        return TokensRead({name: value[0] for name, value in read.items()} if isinstance(text, str) else read)

    def _rows(self, texts: list[str], length: int, *, padded: bool, cut: bool) -> list[Encoding]:
        with self._lock:  # the tokenizer keeps its settings between calls
            if cut:
                self._quick.enable_truncation(length)
            else:
                self._quick.no_truncation()
            if padded:
                self._quick.enable_padding(pad_id=0, pad_token="[PAD]", length=length)
            else:
                self._quick.no_padding()
            return self._quick.encode_batch(texts)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "whole":
            raise AttributeError(name)
        return getattr(self.whole, name)

    def __deepcopy__(self, memory: dict[int, Any]) -> Any:
        return copy.deepcopy(self.whole, memory)


@lru_cache(maxsize=4)
def _read(file: Path, *state: int) -> tuple[Tokenizer, Lock]:
    """Returns the tokenizer of a file, and the lock to be held while it is used; `state` is what changes with the file.

    A process reads a file once, since that takes longer than a hundred texts.
    """
    del state
    return Tokenizer.from_file(str(file)), Lock()

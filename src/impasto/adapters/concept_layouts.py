"""Reads the words and vectors of textual inversions from the layouts of their files: diffusers', A1111's, kohya's."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from impasto.errors import ImpastoError, UsageError
from impasto.weights.files import HostileFile, is_safetensors, read_content, read_weights

# A1111's key for the vectors, in safetensors and inside its .pt files; the word is the file's name.
_A1111, _A1111_PICKLE = "emb_params", "string_to_param"
_BUNDLE = re.compile(r"bundle_emb\.(?P<word>.+)\.string_to_param\.\*")
_SECOND = {"clip_g", "text_encoders_1"}
_FIRST = ("clip_l", "text_encoders_0")


def read_words(file: Path) -> dict[str, torch.Tensor]:
    """Returns word -> vectors, [n, width] or [width], as stored in the file.

    Raises:
        UsageError: it is a pickle that names code.
        ImpastoError: the file is broken, holds none or is for two text encoders; a pickle holds more than tensors.
    """
    try:
        content = read_weights([file]) if is_safetensors(file) else read_content(file)
    except HostileFile as hostile:  # what the user named with --concept
        raise UsageError(str(hostile)) from None
    if not isinstance(content, Mapping):
        raise ImpastoError(f"{file} holds no concept: its content is no dictionary")
    content = {str(name): value for name, value in content.items()}
    if _SECOND & set(content):
        raise ImpastoError(
            f"{file} is a concept for Stable Diffusion XL or another model of two text encoders"
            f" ({', '.join(sorted(content))}), which is not supported"
        )
    if bundled := {found["word"]: content[key] for key in content if (found := _BUNDLE.fullmatch(key))}:
        return bundled
    if any("lora_" in key or "hada_w" in key or "lokr_w" in key for key in content):
        raise ImpastoError(f"{file} is a LoRA and no concept: give it with --lora")
    for key in (_A1111, f"{_A1111_PICKLE}.*", *_FIRST):
        if key in content:
            return _tensors({file.stem: content[key]}, file)
    if _A1111_PICKLE in content:
        params = content[_A1111_PICKLE]
        values = [value for value in _items(params).values() if isinstance(value, torch.Tensor)]
        if len(values) != 1:
            raise ImpastoError(f"{file} holds no single concept: {_A1111_PICKLE} has {len(values)} tensors")
        return {file.stem: values[0]}
    return _tensors(content, file)


def _items(params: Any) -> dict[str, Any]:
    """The items of a dictionary, or of the ParameterDict that older versions of A1111 saved."""
    return {str(name): value for name, value in params.items()} if hasattr(params, "items") else {}


def _tensors(content: Mapping[str, Any], file: Path) -> dict[str, torch.Tensor]:
    """Returns the tensors of the content.

    Raises:
        ImpastoError: there are none.
    """
    found = {name: value.detach() for name, value in content.items() if isinstance(value, torch.Tensor)}
    if not found:
        raise ImpastoError(f"{file} holds no concept: there is no tensor in it")
    return found

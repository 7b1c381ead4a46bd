"""A GGUF model with a LoRA merged into its weights, which llama.cpp runs faster than both beside each other."""

import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, MissingPart
from impasto.language.gguf_file import GgufFile, Tensor
from impasto.settings import cache_folder
from impasto.weights.file_hash import hash_file

_MADE_BY = "1"  # changes with what is written


def merged_model(model: Path, adapter: Path) -> Path | None:
    """Returns a GGUF file of the model with the adapter merged, kept in the user's cache; None if it cannot be kept.

    The merged layers have 8 bits (Q8_0): they are rounded less than those of a model of 4 bits. It is written once: 145 MB,
    and 3 s of a core, for SmolLM2-135M.

    Raises:
        MissingPart: gguf is not installed.
        ImpastoError: a file cannot be read, or the adapter is of another model.
    """
    digest = hashlib.sha256(f"{_MADE_BY} {hash_file(model)} {hash_file(adapter)}".encode()).hexdigest()[:16]
    file = merged_folder() / f"{model.stem}-{digest}.gguf"
    if file.is_file():
        return file
    unfinished = file.with_suffix(f".{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _merge(model, adapter, unfinished)
        unfinished.replace(file)
    except OSError as error:
        logging.getLogger(__name__).warning("%s: %s: the adapter is run beside the model", file, error.strerror or error)
        return None
    finally:
        with suppress(OSError):
            unfinished.unlink()
    return file


def merged_folder() -> Path:
    """Returns the folder of merged models."""
    return cache_folder() / "language"


def list_merged() -> list[Path]:
    """Returns the files of merged models, by name."""
    return sorted(merged_folder().glob("*.gguf"))


def _merge(model: Path, adapter: Path, out: Path) -> None:
    try:
        from gguf.constants import GGMLQuantizationType
        from gguf.quants import dequantize, quant_shape_to_byte_shape, quantize
    except ImportError:
        raise MissingPart("merging an adapter needs gguf: pip install 'impasto[expand]'") from None
    import numpy as np

    def weights(file: GgufFile, tensor: Tensor) -> Any:
        kind = GGMLQuantizationType(tensor.kind)
        shape = quant_shape_to_byte_shape(tensor.shape, kind)
        stored = np.frombuffer(file.data(tensor), np.uint8, int(np.prod(shape))).reshape(shape)
        return dequantize(stored, kind)

    try:
        with GgufFile(model) as base, GgufFile(adapter) as lora:
            alpha, parts = lora.floats["adapter.lora.alpha"], {one.name: one for one in lora.tensors}
            changed: dict[str, tuple[int, bytes]] = {}
            for tensor in base.tensors:
                if f"{tensor.name}.lora_a" in parts:
                    first, second = (weights(lora, parts.pop(f"{tensor.name}.lora_{side}")) for side in "ab")
                    whole = weights(base, tensor) + alpha / len(first) * (second @ first)
                    eight = quantize(whole.astype(np.float32), GGMLQuantizationType.Q8_0)
                    changed[tensor.name] = GGMLQuantizationType.Q8_0.value, eight.tobytes()
            if parts or not changed:
                raise ValueError(f"it changes {min(parts, default='nothing')}")
            base.write_like(out, base.tensors, changed)
    except (ValueError, KeyError) as error:
        raise ImpastoError(f"{adapter} is not a LoRA that fits {model}: {error}") from None

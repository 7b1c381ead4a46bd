"""Process-wide settings: the cache folder, the device and precision to compute with, and the allocator's behaviour."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from impasto.errors import MissingPart, UsageError

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "fp32", "bf16", "fp16"]


def cache_folder() -> Path:
    """Returns the folder for recomputable data (latents, text states): `$IMPASTO_CACHE`, else `~/.cache/impasto`."""
    chosen = os.environ.get("IMPASTO_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "impasto"


def choose_device(name: str = "auto") -> "torch.device":
    """Returns the device called `name`; `auto` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: there is no such device name.
        MissingPart: the device is not on this machine.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"unknown device {name!r}: use auto, cpu, cuda, cuda:1 or mps") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise MissingPart("no CUDA device on this machine: use --device cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise MissingPart(f"no {name} on this machine: it has {torch.cuda.device_count()} CUDA device(s)")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise MissingPart("no MPS device on this machine: use --device cpu")
    if device.type not in ("cpu", "cuda", "mps"):
        raise UsageError(f"unknown device {name!r}: use auto, cpu, cuda, cuda:1 or mps")
    return device


def choose_precision(name: str, device: "torch.device") -> "torch.dtype":
    """Returns the floating-point type for painting. `auto`: fp16 on CUDA, fp32 elsewhere.

    Raises:
        UsageError: the name is none of auto, fp32, bf16, fp16.
    """
    import torch

    if name == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    kinds = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if name not in kinds:
        raise UsageError(f"unknown precision {name!r}: use auto, fp32, bf16 or fp16")
    return kinds[name]


def quieten_bitsandbytes() -> None:
    """Suppresses bitsandbytes' warning on stderr that it finds no faster kernel on the hub.

    bitsandbytes warns on its first import, and diffusers, transformers and peft all import it. The warning still appears if
    the level of its logger or `IMPASTO_DEBUG` is set.
    """
    import logging

    logger = logging.getLogger("bitsandbytes")
    if logger.level == logging.NOTSET and not os.environ.get("IMPASTO_DEBUG"):
        logger.setLevel(logging.ERROR)


_GLIBC_TRIM_THRESHOLD, _GLIBC_MMAP_THRESHOLD = -1, -3  # mallopt's numbers for these options


def keep_freed_memory(most: int = 512 * 2**20, array: int = 64 * 2**20) -> None:
    """Lets the process keep up to `most` freed bytes, and reuse them for arrays below `array` bytes.

    By default glibc returns freed memory to the system at once, and a U-Net on a CPU then spends up to a third of every step
    on having its pages mapped and cleared again. Without glibc this does nothing.
    """
    import ctypes
    import sys

    if not sys.platform.startswith("linux"):
        return
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_GLIBC_MMAP_THRESHOLD, array)
        set_option(_GLIBC_TRIM_THRESHOLD, most)


def give_back_freed_memory() -> None:
    """Returns the process's freed memory to the system, also from the middle of its heap. Without glibc it does nothing."""
    import ctypes
    import sys

    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)

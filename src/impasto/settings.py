"""Where files live, and on what device and in which precision the work is done."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from impasto.errors import MissingPart, UsageError

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "fp32", "bf16", "fp16"]


def cache_folder() -> Path:
    """The folder for what can be made again (latents, text states): `$IMPASTO_CACHE`, else `~/.cache/impasto`."""
    chosen = os.environ.get("IMPASTO_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "impasto"


def choose_device(name: str = "auto") -> "torch.device":
    """The device called `name`; `auto` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: the name is no device's.
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
    """The floating-point type for painting. `auto`: fp16 on CUDA, fp32 elsewhere.

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
    """Keeps bitsandbytes' complaint that it finds no faster kernel on the hub off stderr.

    It complains when it is first imported, and diffusers, transformers and peft all import it. Who has set its logger's
    level, or `IMPASTO_DEBUG`, hears it still.
    """
    import logging

    logger = logging.getLogger("bitsandbytes")
    if logger.level == logging.NOTSET and not os.environ.get("IMPASTO_DEBUG"):
        logger.setLevel(logging.ERROR)


_GLIBC_TRIM_THRESHOLD, _GLIBC_MMAP_THRESHOLD = -1, -3  # mallopt's names for them


def keep_freed_memory(most: int = 512 * 2**20, array: int = 64 * 2**20) -> None:
    """Lets the process keep up to `most` freed bytes, and reuse them for arrays below `array` bytes.

    glibc gives freed memory back at once, and a U-Net on a CPU then spends up to a third of every step on having its pages
    mapped and cleared again. Elsewhere than on glibc this does nothing.
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
    """Returns to the system what the process has freed, in the middle of its heap too; elsewhere than on glibc, nothing."""
    import ctypes
    import sys

    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)

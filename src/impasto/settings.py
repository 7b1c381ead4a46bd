"""Process-wide settings: the cache folder, the device and precision to compute with, and the allocator's behaviour."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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


def hide_bitsandbytes() -> None:
    """Makes bitsandbytes look absent, in a process of our own: diffusers would import it, which takes 1.3 s and torch's
    compiler, for a kind of quantized weights that Impasto does not use. `show_bitsandbytes` undoes it.
    """
    sys.modules.setdefault("bitsandbytes", None)  # pyright: ignore[reportArgumentType]


def show_bitsandbytes() -> None:
    """Lets bitsandbytes be imported again."""
    if sys.modules.get("bitsandbytes", sys) is None:
        del sys.modules["bitsandbytes"]


def quieten_bitsandbytes() -> None:
    """Suppresses bitsandbytes' warning on stderr that it finds no faster kernel on the hub.

    bitsandbytes warns on its first import, and diffusers, transformers and peft all import it. The warning still appears if
    the level of its logger or `IMPASTO_DEBUG` is set.
    """
    import logging

    logger = logging.getLogger("bitsandbytes")
    if logger.level == logging.NOTSET and not os.environ.get("IMPASTO_DEBUG"):
        logger.setLevel(logging.ERROR)


_SPIN_COUNT = "GOMP_SPINCOUNT"
_SPINS = 1000  # measured: as fast as GNU OpenMP's own 300,000 on an idle machine, and a tenth of its time on a busy one


def limit_spinning() -> None:
    """Lets OpenMP's threads sleep soon while they wait for each other, instead of keeping a core busy.

    For a process that mainly runs llama.cpp, whose threads meet thousands of times a second. By default GNU OpenMP's threads
    spin for milliseconds at each meeting. If another process has the core of one thread, the others spin for nearly as long
    as that process runs. Painting and training meet less often and lose up to a third of their speed by sleeping, so they
    keep the default. OpenMP reads the limit once, when the library is loaded, so this must be called before torch is
    imported; later it does nothing. Nor does it change what the user set (`GOMP_SPINCOUNT`, `OMP_WAIT_POLICY`).
    """
    import sys

    if not sys.platform.startswith("linux") or _openmp_is_loaded():
        return
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault(_SPIN_COUNT, str(_SPINS))


_BUSY = 0.7  # of the load average: another process has been running for most of the last minute


def limit_spinning_on_a_busy_machine() -> None:
    """Does what `limit_spinning` does if other processes are computing now, for a process that paints or judges.

    Such a process is faster with spinning threads while it has the machine for itself, and several times slower beside
    another one (`python benchmarks/expansion.py --beside 2 --verb paint`). So this changes nothing on an idle machine, nor
    for a training, which outlives its neighbours. It takes 20 ms where the load average is high, else none.
    """
    import sys
    import time

    file = Path("/proc/loadavg")
    try:
        samples = [file.read_text()]
        if not sys.platform.startswith("linux") or not others_compute(samples):
            return
        for _ in range(4):
            time.sleep(0.005)
            samples.append(file.read_text())
    except OSError:
        return
    if others_compute(samples):
        limit_spinning()


def others_compute(samples: Sequence[str]) -> bool:
    """Returns whether processes other than this one compute, by readings of Linux's /proc/loadavg.

    Both must be so: the load average of the last minute is high, and at each reading some other thread is running or waits
    for a core. The first alone also holds just after a process has ended, the second for a moment on any machine.
    """
    try:
        fields = [sample.split() for sample in samples]
        return all(float(row[0]) >= _BUSY and int(row[3].partition("/")[0]) >= 2 for row in fields)
    except (ValueError, IndexError):
        return False


def cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_that_wait(most: int = 8) -> int:
    """Returns how many threads llama.cpp may use: up to `most`, or 1 if they would spin (see `limit_spinning`)."""
    count = os.environ.get(_SPIN_COUNT, "")
    sleeps = os.environ.get("OMP_WAIT_POLICY", "").casefold() == "passive" or (count.isdigit() and int(count) <= _SPINS)
    return min(cores(), most) if sleeps else 1


def _openmp_is_loaded() -> bool:
    try:
        return "libgomp" in Path("/proc/self/maps").read_text()
    except OSError:
        return False


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


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Returns a context in which torch's threads take numbers below 1.2e-38 as 0.

    A CPU needs some hundred cycles for each operation on such a number. Attention gives them to many keys in the backward
    pass: a step of pocket's U-Net takes 4 to 8 % longer with them, and its losses are the same to seven digits. Threads take
    the setting over from the one that starts them, so enter the context before torch has computed anything.
    """
    import torch

    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def give_back_freed_memory() -> None:
    """Returns the process's freed memory to the system, also from the middle of its heap. Without glibc it does nothing."""
    import ctypes
    import sys

    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)

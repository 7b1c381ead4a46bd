"""Measures this machine's speed in a third of a second, to predict how long counted work will take."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

_SECONDS = 0.1  # duration of each of the three measurements
_FRESH = 60.0  # seconds for which a process takes a measurement to be right
_SIDE = 768  # side of a square matrix, large enough for a processor's full rate
_NUMBERS = 8 * 2**20  # 32 MB: no cache holds three of these
_SMALL = 64


@dataclass(frozen=True)
class MachineSpeed:
    """The speed of one process on one device.

    Attributes:
        flops: floating-point operations per second in matrix products.
        moved: bytes per second read and written by element-wise operations on large tensors.
        operation: seconds that even the smallest operation takes, called from Python.
    """

    flops: float
    moved: float
    operation: float

    def seconds(self, flops: float, moved: float, operations: float) -> float:
        """Returns the seconds of work: products plus memory traffic plus calls (the roofline model without overlap)."""
        return flops / self.flops + moved / self.moved + operations * self.operation


_measured: dict[tuple[torch.device, torch.dtype], tuple[float, MachineSpeed]] = {}


def measure_speed(device: torch.device, dtype: torch.dtype = torch.float32) -> MachineSpeed:
    """Measures the device's speed at matrix products in `dtype`, at additions and at tiny operations.

    Within a minute the same is not measured again.
    """
    last = _measured.get((device, dtype))
    if last is None or time.monotonic() - last[0] > _FRESH:
        last = _measured[device, dtype] = time.monotonic(), _measure(device, dtype)
    return last[1]


def _measure(device: torch.device, dtype: torch.dtype) -> MachineSpeed:
    a, b = (torch.ones(_SIDE, _SIDE, device=device, dtype=dtype) for _ in range(2))
    x, y, z = (torch.ones(_NUMBERS, device=device) for _ in range(3))
    small = torch.ones(_SMALL, device=device)
    with torch.no_grad():
        return MachineSpeed(
            flops=2 * _SIDE**3 / _seconds_of(lambda: a @ b, device),
            moved=3 * x.nbytes / _seconds_of(lambda: torch.add(x, y, out=z), device),
            operation=_seconds_of(lambda: small + small, device),
        )


def _seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Returns the mean time of a call, after one warm-up call."""
    work()
    _wait(device)
    begun, count = time.perf_counter(), 0
    while (took := time.perf_counter() - begun) < _SECONDS or not count:
        work()
        _wait(device)
        count += 1
    return took / count


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

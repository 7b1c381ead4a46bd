"""Detects the machine's capabilities for training: its device, the precision to compute in, and what is fast there."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from impasto.settings import choose_device


@dataclass(frozen=True)
class Machine:
    """A device and how to compute on it.

    Attributes:
        device: the device of weights and data.
        mixed: whether products are computed in bf16; the weights stay in fp32.
        plain_attention: whether attention is two products; a CPU's bf16 units speed these up, but not torch's fused kernel.
        name: the processor's name, for reports.
    """

    device: torch.device
    mixed: bool
    plain_attention: bool
    name: str

    def autocast(self) -> AbstractContextManager[object]:
        """Returns the context to compute in."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.mixed else nullcontext()


PLAIN_CPU = Machine(torch.device("cpu"), False, False, "CPU, fp32")


def find_machine(device: str = "auto", precision: str = "auto") -> Machine:
    """Detects this machine. It uses bf16 on CUDA and on CPUs with AVX512-BF16 or AMX, else fp32, unless `precision` is set.

    Raises:
        UsageError, MissingPart: no such device.
    """
    where = choose_device(device)
    mixed = precision == "bf16" or (precision == "auto" and _multiplies_bf16(where))
    if where.type == "cuda":
        name = torch.cuda.get_device_name(where)
        torch.set_float32_matmul_precision("high")
    else:
        name = f"{_cpu_name()}, {torch.get_num_threads()} threads" if where.type == "cpu" else where.type
    return Machine(where, mixed, mixed and where.type == "cpu", f"{name}, {'bf16' if mixed else 'fp32'}")


def _multiplies_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    return bool({"avx512_bf16", "amx_bf16"} & cpu_flags())


def cpu_flags() -> frozenset[str]:
    """Returns the processor's feature flags as Linux reports them; empty on other systems."""
    return frozenset(_cpu_line("flags").split())


def _cpu_name() -> str:
    marks = [mark for mark in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if mark in cpu_flags()]
    return f"{_cpu_line('model name') or 'CPU'} ({marks[0] if marks else 'no AVX2'})"


def _cpu_line(name: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")

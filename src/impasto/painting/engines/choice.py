"""Checks the name of an engine against the device, the precision and what is installed."""

from dataclasses import dataclass

import torch

from impasto.errors import MissingPart, UsageError
from impasto.inference import runtime
from impasto.painting.engines.eager import name_of
from impasto.painting.engines.record import AUTO, COMPILED, EAGER, ENGINES, OPENVINO, OPTIMIZED, EngineNote
from impasto.settings import choose_precision

INSTALL, INSTALL_INT8 = "pip install 'impasto[fast]'", "pip install 'impasto[int8]'"
INT8 = "int8"


@dataclass(frozen=True)
class EngineChoice:
    """A checked choice.

    Attributes:
        name: the engine, as `--engine` takes it; "auto" is decided when the work is known.
        dtype: the precision in which the checkpoint is loaded.
        inference: the precision in which OpenVINO computes: fp32, bf16 or int8.
    """

    name: str
    dtype: torch.dtype
    inference: str = "fp32"

    def note(self, device: torch.device) -> EngineNote:
        """Returns what the records of its paintings will say, as far as it is decided."""
        if self.name == OPENVINO:
            return EngineNote(OPENVINO, runtime.library_version(self.inference), self.inference, device.type)
        return EngineNote(self.name, torch.__version__, name_of(self.dtype), device.type)


def choose_engine(name: str, device: torch.device, precision: str) -> EngineChoice:
    """Returns the engine called `name` for this device and precision.

    `auto` takes `optimized` on a CPU in fp32, or leaves it open there if OpenVINO is installed, and `eager` elsewhere. If it
    is installed, bf16 on a CPU that has units for it is OpenVINO's, on weights loaded in fp32. int8 is always OpenVINO's.

    Raises:
        UsageError: there is no such engine or precision, or the engine does not run on this device or in this precision.
        MissingPart: it is not installed.
    """
    if name not in ENGINES:
        raise UsageError(f"unknown engine {name!r}: use {', '.join(ENGINES[:-1])} or {ENGINES[-1]}")
    if precision == INT8:
        _check_int8(name, device)
        return EngineChoice(OPENVINO, torch.float32, INT8)
    dtype = choose_precision(precision, device)
    on_cpu = device.type == "cpu"
    if name == COMPILED and on_cpu:
        raise UsageError("--engine compiled is for accelerators: use optimized, openvino or eager on a CPU")
    if name in (OPTIMIZED, OPENVINO) and not on_cpu:
        raise UsageError(f"--engine {name} runs on a CPU, not on {device}: use compiled or eager, or --device cpu")
    if name == OPTIMIZED and dtype != torch.float32:
        raise UsageError(f"--engine optimized computes in fp32: leave --precision {precision} to another engine")
    if name == OPENVINO:
        _check_openvino(dtype)
    low = dtype == torch.bfloat16 and on_cpu and name in (AUTO, OPENVINO)
    if low and runtime.openvino_version() and runtime.cpu_has_bf16():
        return EngineChoice(OPENVINO, torch.float32, "bf16")
    if name == AUTO:
        name = EAGER if not on_cpu or dtype != torch.float32 else AUTO if runtime.openvino_version() else OPTIMIZED
    return EngineChoice(name, dtype)


def _check_openvino(dtype: torch.dtype) -> None:
    if dtype == torch.float16:
        raise UsageError("--engine openvino computes in fp32 or bf16: leave --precision fp16 to eager")
    if not runtime.openvino_version():
        raise MissingPart(f"OpenVINO is not installed: {INSTALL}, or use --engine optimized or eager")
    if dtype == torch.bfloat16 and not runtime.cpu_has_bf16():
        raise UsageError("--engine openvino: this CPU has no units for bf16: use --precision fp32")


def _check_int8(name: str, device: torch.device) -> None:
    if name not in (AUTO, OPENVINO) or device.type != "cpu":
        raise UsageError(f"--precision int8 is of --engine openvino on a CPU, not of {name} on {device}")
    for package, version in (("OpenVINO", runtime.openvino_version()), ("NNCF", runtime.nncf_version())):
        if not version:
            raise MissingPart(f"--precision int8 needs {package}: {INSTALL_INT8}, or use --precision fp32")
    if not runtime.cpu_has_int8():
        raise UsageError("--precision int8: this CPU has no units for it (VNNI or AMX): use --precision fp32")


def describe_engine(device: torch.device) -> str:
    """Returns which engine `auto` takes on this device, in words."""
    chosen, version = choose_engine(AUTO, device, AUTO).name, runtime.openvino_version()
    if chosen != AUTO:
        return f"{chosen}, torch {torch.__version__}"
    uses = []
    if runtime.openvino_may_pay():
        uses.append("for U-Nets once converting them pays")
    if runtime.cpu_has_bf16():
        uses.append("for --precision bf16")
    if runtime.cpu_has_int8() and runtime.nncf_version():
        uses.append("for --precision int8")
    later = f"; openvino {version} {' and '.join(uses)}" if uses else f"; openvino {version} only where it is named"
    return f"{OPTIMIZED}, torch {torch.__version__}{later}"

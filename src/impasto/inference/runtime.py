"""OpenVINO itself: loaded without its telemetry, asked for models on the CPU."""

import logging
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

# Several sets of a model's inputs.
Samples = Sequence[Sequence[torch.Tensor]]
BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
INT8_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})


class CannotRun(Exception):
    """An engine cannot run a model; the message is a phrase that says why. torch itself runs every model."""


@cache
def openvino_version() -> str:
    """Returns the version of the installed OpenVINO, such as "2026.4.1"; "" if it is not installed. It imports nothing."""
    return _version("openvino")


@cache
def nncf_version() -> str:
    """Returns the version of the installed NNCF, which quantizes models for OpenVINO; "" if it is not installed."""
    return _version("nncf")


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def library_version(precision: str) -> str:
    """Returns the version of what computes in this precision, for records and for the cache."""
    return openvino_version() + (f", nncf {nncf_version()}" if precision == "int8" else "")


@cache
def cpu_flags() -> frozenset[str]:
    """Returns the CPU's instruction sets, as Linux names them; empty on other systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    lists = [line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))]
    return frozenset(flag for flags in lists for flag in flags)


def cpu_has_bf16() -> bool:
    """Returns whether the CPU multiplies bf16 in units of its own, so that it is faster than fp32."""
    return bool(cpu_flags() & BF16_FLAGS)


def cpu_has_int8() -> bool:
    """Returns whether the CPU sums products of int8 in units of its own (VNNI, AMX)."""
    return bool(cpu_flags() & INT8_FLAGS)


def openvino_may_pay() -> bool:
    """Returns whether OpenVINO's U-Net in fp32 was measured to be faster on such a CPU than `optimized`: docs/engines.md."""
    return "avx2" in cpu_flags()


def cpu_identity() -> str:
    """Returns what a compiled model depends on of the CPU: its architecture and instruction sets."""
    return " ".join([platform.machine(), *sorted(flag for flag in cpu_flags() if flag.startswith(("avx", "amx", "asimd")))])


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """Hides OpenVINO's package for telemetry from what is imported meanwhile: it would report to its maker's servers."""
    name = "openvino_telemetry"
    before = sys.modules.get(name)
    if before is None:
        sys.modules[name] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        if before is None:
            sys.modules.pop(name, None)


@cache
def load_openvino() -> Any:
    """Imports OpenVINO, without its telemetry.

    Raises:
        CannotRun: the installed library cannot be loaded.
    """
    try:
        with _without_telemetry():
            import openvino  # pyright: ignore[reportMissingImports]
            import openvino.tools.ovc  # pyright: ignore[reportMissingImports]
    except (ImportError, OSError) as error:
        raise CannotRun(f"OpenVINO cannot be loaded ({error})") from None
    return openvino


@cache
def _load_nncf() -> Any:
    load_openvino()
    try:
        with _without_telemetry():
            import nncf  # pyright: ignore[reportMissingImports]
    except (ImportError, OSError) as error:
        raise CannotRun(f"NNCF cannot be loaded ({error})") from None
    nncf.set_log_level(logging.ERROR)
    return nncf


@cache
def _core() -> Any:
    return load_openvino().Core()


def settings(precision: str) -> dict[str, Any]:
    """Returns the settings with which models are compiled. Without the first, a CPU that has bf16 would use it unasked."""
    return {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",  # of what is not int8
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": "1",
        "PERFORMANCE_HINT": "LATENCY",
        # Several processes that pin their threads would all sit on the first cores.
        "ENABLE_CPU_PINNING": False,
    }


def convert(
    graph: torch.nn.Module, example: tuple[torch.Tensor, ...], precision: str, samples: Callable[[], Samples] | None = None
) -> Any:
    """Returns a torch module as OpenVINO's graph, for inputs of any size.

    Args:
        example: small inputs, by which the module is traced.
        samples: for int8, returns inputs as they occur, by which the ranges of the activations are measured.

    Raises:
        CannotRun: it cannot be traced, or OpenVINO does not know one of its operations.
    """
    import warnings

    openvino = load_openvino()
    try:
        with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer's, on sizes that it takes for constants; these are right to be
            traced = torch.jit.trace(graph.eval(), example, check_trace=False)
            made = openvino.convert_model(traced, example_input=example)
        return _quantized(made, samples) if precision == "int8" else made
    except CannotRun:
        raise
    except Exception as error:  # of the model's own code, which is traced, or of the converter
        raise CannotRun(f"OpenVINO cannot convert it ({last_line(error)})") from None


def compiled(graph: Any, shapes: Sequence[Sequence[int]], precision: str) -> Any:
    """Returns the compiled model of a graph for inputs of these shapes; -1 for sizes that vary.

    It runs a U-Net faster for shapes without -1: only then it joins elementwise layers into one.

    Raises:
        CannotRun: OpenVINO cannot compile it.
    """
    openvino = load_openvino()
    try:
        shaped = graph.clone()
        shaped.reshape({number: openvino.PartialShape(list(shape)) for number, shape in enumerate(shapes)})
        return _core().compile_model(shaped, "CPU", settings(precision))
    except Exception as error:
        raise CannotRun(f"OpenVINO cannot compile it ({last_line(error)})") from None


def _quantized(model: Any, samples: Callable[[], Samples] | None) -> Any:
    """Returns the model with weights and activations in int8, where NNCF finds that they bear it."""
    if samples is None:
        raise CannotRun("OpenVINO has no inputs to calibrate int8 by")
    nncf = _load_nncf()
    shown = [[part.detach().contiguous().numpy() for part in inputs] for inputs in samples()]
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):  # its progress bars
        return nncf.quantize(
            model, nncf.Dataset(shown), subset_size=len(shown), preset=nncf.QuantizationPreset.MIXED,
            model_type=nncf.ModelType.TRANSFORMER,
        )  # fmt: skip


def packed(graph: Any) -> bytes:
    """Returns a graph as bytes, for `unpacked`: the length of its description, the description and the weights."""
    openvino = load_openvino()
    with TemporaryDirectory() as folder:
        place = Path(folder)
        openvino.serialize(graph, str(place / "graph.xml"), str(place / "graph.bin"))
        description, weights = (place / "graph.xml").read_bytes(), (place / "graph.bin").read_bytes()
    return len(description).to_bytes(8, "little") + description + weights


def unpacked(data: bytes) -> Any:
    """Returns the graph of `packed`.

    Raises:
        CannotRun: OpenVINO cannot read it.
    """
    openvino, length = load_openvino(), int.from_bytes(data[:8], "little")
    try:
        weights = np.frombuffer(data, np.uint8, offset=8 + length)
        return _core().read_model(data[8 : 8 + length], openvino.Tensor(weights))
    except Exception as error:
        raise CannotRun(f"OpenVINO cannot read the converted graph ({last_line(error)})") from None


def exported(model: Any) -> bytes:
    """Returns a compiled model as bytes, for `imported`."""
    made = model.export_model()
    return made if isinstance(made, bytes) else made.getvalue()


def imported(data: bytes, precision: str) -> Any:
    """Returns a compiled model from its bytes.

    Raises:
        CannotRun: OpenVINO cannot read it.
    """
    load_openvino()
    try:
        return _core().import_model(data, "CPU", settings(precision))
    except RuntimeError as error:
        raise CannotRun(f"OpenVINO cannot read the converted model ({last_line(error)})") from None


def infer(request: Any, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
    """Returns a copy of the first output of a compiled model's request.

    Raises:
        torch.OutOfMemoryError: OpenVINO's memory ran out.
    """
    arrays = [part.detach().contiguous().numpy() for part in inputs]
    try:
        result = request.infer(arrays, share_inputs=True, share_outputs=True)
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, MemoryError) or "alloc" in str(error):
            raise torch.OutOfMemoryError("OpenVINO's memory ran out") from None
        raise
    return torch.from_numpy(np.array(result[0]))  # a copy: the request writes its next result into the same memory


def available_memory() -> int | None:
    """Returns the bytes of memory that are free for this process; None if the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None


def last_line(error: Exception) -> str:
    """Returns the last line of an error that is not empty, in at most 200 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]

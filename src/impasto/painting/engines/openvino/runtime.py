"""OpenVINO itself: loaded without its telemetry, asked for models on the CPU."""

import platform
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch

from impasto.painting.engines.conditioned import CannotRun

BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


@cache
def openvino_version() -> str:
    """Returns the version of the installed OpenVINO, such as "2026.4.1"; "" if it is not installed. It imports nothing."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("openvino")
    except PackageNotFoundError:
        return ""


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


def openvino_may_pay(*, optimized: bool) -> bool:
    """Returns whether OpenVINO's U-Net in fp32 was measured to be faster on such a CPU, than `optimized` or than `eager`.

    One evaluation of pocket's U-Net, in milliseconds for 1 and for 8 pictures: with AVX2 alone 36.1 and 204.5 by OpenVINO,
    50.5 and 219.0 by `optimized`, 77.9 and 354.7 by `eager`; with AVX-512 36.1 and 205.4, 37.4 and 193.8, 55.3 and 241.0.
    """
    flags = cpu_flags()
    return "avx2" in flags and not (optimized and "avx512f" in flags)


def cpu_identity() -> str:
    """Returns what a compiled model depends on of the CPU: its architecture and instruction sets."""
    return " ".join([platform.machine(), *sorted(flag for flag in cpu_flags() if flag.startswith(("avx", "amx", "asimd")))])


@cache
def load_openvino() -> Any:
    """Imports OpenVINO. Its package for telemetry is hidden meanwhile: on import it would report to its maker's servers.

    Raises:
        CannotRun: the installed library cannot be loaded.
    """
    name = "openvino_telemetry"
    before = sys.modules.get(name)
    if before is None:
        sys.modules[name] = None  # pyright: ignore[reportArgumentType]
    try:
        import openvino  # pyright: ignore[reportMissingImports]
        import openvino.tools.ovc  # pyright: ignore[reportMissingImports]

        return openvino
    except (ImportError, OSError) as error:
        raise CannotRun(f"OpenVINO cannot be loaded ({error})") from None
    finally:
        if before is None:
            sys.modules.pop(name, None)


@cache
def _core() -> Any:
    return load_openvino().Core()


def settings(precision: str) -> dict[str, Any]:
    """Returns the settings with which models are compiled. Without the first, a CPU that has bf16 would use it unasked."""
    return {
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": "1",
        "PERFORMANCE_HINT": "LATENCY",
        # Several processes that pin their threads would all sit on the first cores.
        "ENABLE_CPU_PINNING": False,
    }


def convert(graph: torch.nn.Module, example: tuple[torch.Tensor, ...], shapes: list[list[int]], precision: str) -> Any:
    """Returns the compiled model of a torch module.

    Args:
        example: small inputs, by which the module is traced.
        shapes: the shape of each input; -1 for sizes that vary.

    Raises:
        CannotRun: it cannot be traced, or OpenVINO does not know one of its operations.
    """
    import warnings

    openvino = load_openvino()
    try:
        with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer's, on sizes that it takes for constants; these are right to be
            traced = torch.jit.trace(graph.eval(), example, check_trace=False)
            model = openvino.convert_model(traced, example_input=example)
            model.reshape({number: openvino.PartialShape(shape) for number, shape in enumerate(shapes)})
        return _core().compile_model(model, "CPU", settings(precision))
    except CannotRun:
        raise
    except Exception as error:  # of the model's own code, which is traced, or of the converter
        raise CannotRun(f"OpenVINO cannot convert it ({_first_line(error)})") from None


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
        raise CannotRun(f"OpenVINO cannot read the converted model ({_first_line(error)})") from None


def available_memory() -> int | None:
    """Returns the bytes of memory that are free for this process; None if the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]

"""The engine in a painting's record: what ran its U-Net and its decoder. It is read back as untrusted input."""

from dataclasses import dataclass
from typing import Any

from impasto.painting.foreign import RecordError

AUTO, EAGER, OPTIMIZED, OPENVINO, COMPILED = "auto", "eager", "optimized", "openvino", "compiled"
ENGINES = (AUTO, EAGER, OPTIMIZED, OPENVINO, COMPILED)
_LONGEST = 40


@dataclass(frozen=True)
class EngineNote:
    """What ran the model of a painting.

    Attributes:
        name: the engine, as `--engine` takes it.
        version: of the library that it computes with: OpenVINO's, or torch's.
        precision: fp32, bf16 or fp16.
        device: cpu, cuda or mps.
    """

    name: str
    version: str
    precision: str
    device: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}, {self.precision}, {self.device}"


def read_engine(value: Any) -> EngineNote | None:
    """Reads the field `engine`; None, as in pictures of older versions, gives None.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        parts = [value.get(name) for name in ("name", "version", "precision", "device")]
        known = [part for part in parts if isinstance(part, str) and 0 < len(part) <= _LONGEST and part.isprintable()]
        if len(known) == 4:
            return EngineNote(*known)
    raise RecordError("its impasto record has no valid 'engine'")

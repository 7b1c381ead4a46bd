"""How a painting was made, inside its own file: written twice, as A1111's text and as one JSON chunk of ours.

The JSON (chunk `impasto`) is exact and is what a painting is repainted from. The text (chunk `parameters`)
is for the other tools of the field, and is what is left when one of them saved the picture again.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL.PngImagePlugin import PngInfo

from impasto import __version__
from impasto.checkpoints.applied_adapters import AppliedConcept, AppliedLora
from impasto.errors import ImpastoError
from impasto.painting.copies.record import CopyCheck, read_copy_check
from impasto.painting.foreign import ForeignRecord, RecordError, read_foreign
from impasto.painting.foreign.a1111 import NEGATIVE, quote_setting
from impasto.painting.foreign.record import parse_object, real_number
from impasto.painting.guidance.record import (
    GUIDANCE_INTERVAL,
    GUIDER,
    USUAL,
    Interval,
    interval_of,
    read_guidance_interval,
    read_guider,
    write_interval,
)
from impasto.painting.memory.record import NONE, MemoryUse, read_memory_use
from impasto.painting.provenance.adapters import read_concepts, read_loras
from impasto.painting.provenance.picture_text import SHEET, picture_texts, readable_name

if TYPE_CHECKING:
    from impasto.painting.request import PaintRequest

__all__ = ["ForeignRecord", "Provenance", "checked_fields", "is_plain", "png_info", "read_provenance"]

_FORMAT = 1
# Our samplers by the names that A1111 and its forks give them.
_A1111_SAMPLERS = {
    "ddpm": "DDPM",
    "ddim": "DDIM",
    "plms": "PLMS",
    "dpm++": "DPM++ 2M",
    "dpm++-sde": "DPM++ 2M SDE",
    "euler": "Euler",
    "euler-a": "Euler a",
    "heun": "Heun",
    "unipc": "UniPC",
    "lcm": "LCM",
}
_TEXTS = ("prompt", "negative", "sampler", "checkpoint", "checkpoint_hash", "version", "text")
_WHOLES = {"seed": (0, 2**63 - 1), "steps": (1, 1000), "width": (1, 65536), "height": (1, 65536)}
_REALS = ("guidance", "eta")


@dataclass(frozen=True)
class Provenance:
    """Everything that it takes to paint a picture again.

    Attributes:
        prompt: what the user asked for.
        condition: the parts of the prompt (`Condition.as_dict()`).
        expansion: the richer prompt that was chosen for it, or None.
        negative: what to keep away from, as text.
        seed: 0 .. 2**63 - 1, of this picture's own generator.
        sampler: our name of it, as `--sampler` takes it.
        steps: 1 .. 1000.
        guidance: the guider's scale.
        eta: DDIM's share of fresh noise, 0 .. 1.
        width, height: in pixels.
        checkpoint: its name.
        checkpoint_hash: of the content of its weights, hexadecimal.
        version: impasto's.
        text: exactly what the text encoder was told.
        loras, concepts: what was laid over the checkpoint, in this order.
        memory: what it looked at; None where no memory had a part in it.
        guider: what leads it towards its prompt, as `--guider` takes it; older records have none, and mean cfg.
        guidance_interval: between which shares of the timesteps it is led; None but for the guider interval.
        copy_check: how like it is to training pictures, where it was compared with them.
    """

    prompt: str
    condition: dict[str, Any]
    expansion: str | None
    negative: str
    seed: int
    sampler: str
    steps: int
    guidance: float
    eta: float
    width: int
    height: int
    checkpoint: str
    checkpoint_hash: str
    version: str
    text: str
    loras: tuple[AppliedLora, ...] = ()
    concepts: tuple[AppliedConcept, ...] = ()
    memory: MemoryUse | None = None
    guider: str = USUAL
    guidance_interval: Interval | None = None
    copy_check: CopyCheck | None = None

    @classmethod
    def of(
        cls,
        request: "PaintRequest",
        checkpoint: str,
        checkpoint_hash: str,
        loras: tuple[AppliedLora, ...] = (),
        concepts: tuple[AppliedConcept, ...] = (),
        memory: MemoryUse | None = None,
    ) -> "Provenance":
        """What the painting of `request` by this checkpoint, under these LoRAs and concepts, says of itself."""
        return cls(
            prompt=request.prompt or request.condition.caption,
            condition=request.condition.as_dict(),
            expansion=request.expansion,
            negative=request.negative,
            seed=request.seed,
            sampler=request.sampler,
            steps=request.steps,
            guidance=float(request.guidance),
            eta=float(request.eta),
            width=request.width,
            height=request.height,
            checkpoint=checkpoint,
            checkpoint_hash=checkpoint_hash,
            version=__version__,
            text=request.condition.text(),
            loras=loras,
            concepts=concepts,
            memory=memory,
            guider=request.guider,
            guidance_interval=interval_of(request.guider, request.guidance_interval),
            copy_check=request.copy_check,
        )

    def to_parameters(self) -> str:
        """A1111's `parameters` text. Its prompt is `text` and the LoRAs as A1111 is told of them in a prompt, for that
        is what it would have to be given.
        """
        guidance = int(self.guidance) if float(self.guidance).is_integer() else self.guidance
        settings = {
            "Steps": self.steps,
            "Sampler": _A1111_SAMPLERS.get(self.sampler, self.sampler),
            "CFG scale": guidance,
            "Seed": self.seed,
            "Size": f"{self.width}x{self.height}",
            "Model hash": self.checkpoint_hash[:10],
            "Model": self.checkpoint,
            "Eta": self.eta or "",
            GUIDER: "" if self.guider == USUAL else self.guider,
            GUIDANCE_INTERVAL: "" if self.guidance_interval is None else write_interval(self.guidance_interval),
            "Lora hashes": ", ".join(f"{lora.name}: {lora.content_hash[:12]}" for lora in self.loras),
            "TI hashes": ", ".join(f"{concept.name}: {concept.content_hash[:12]}" for concept in self.concepts),
            **self._memory_settings(),
            "Version": f"impasto {self.version}",
        }
        tags = [f"<lora:{lora.name}:{lora.scale:g}>" for lora in self.loras]
        lines = [" ".join([self.text or self.prompt, *tags])]
        if self.negative:
            lines.append(f"{NEGATIVE} {self.negative}")
        lines.append(", ".join(f"{k}: {quote_setting(v)}" for k, v in settings.items() if v != ""))
        return "\n".join(lines)

    def _memory_settings(self) -> dict[str, str]:
        use = self.memory
        if use is None:
            return {}
        return {
            "Memory": "none" if use.source == NONE else use.content_hash[:12],
            "Works": "; ".join(map(str, use.works)),
            "Like": "; ".join(f"{like.name}:{like.weight:g} ({like.content_hash[:12]})" for like in use.likes),
        }

    def to_json(self) -> str:
        """The JSON of the `impasto` chunk: the fields by name, and the format's number."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Provenance":
        """The inverse of `to_json`. The text may come from a stranger: every field is checked.

        Raises:
            RecordError: it is not valid JSON, a field is missing or of the wrong kind or out of range.
        """
        return cls(**checked_fields(parse_object(text, "its impasto record"), cls.__dataclass_fields__))


def png_info(provenance: Provenance) -> PngInfo:
    """The PNG chunks `parameters` and `impasto`: tEXt for Latin-1, iTXt (UTF-8) for anything else.

    Raises:
        ImpastoError: a text is not valid Unicode (lone surrogates, as an undecodable argument leaves them).
    """
    info = PngInfo()
    try:
        info.add_text("parameters", provenance.to_parameters())
        info.add_text("impasto", provenance.to_json())
    except UnicodeEncodeError:
        raise ImpastoError("the prompt is not valid Unicode text: type it again") from None
    return info


def read_provenance(path: str | Path) -> Provenance | ForeignRecord:
    """How the picture at `path` (PNG, JPEG or WebP) was made: our own record first, else another tool's.

    Raises:
        ImpastoError: no such file, no picture, no record in it, or one that is broken or of hostile size.
    """
    path = Path(path)
    texts = picture_texts(path)
    name = readable_name(path)
    try:
        record = Provenance.from_json(texts["impasto"]) if "impasto" in texts else read_foreign(texts)
    except RecordError as error:
        raise ImpastoError(f"{name} cannot be read: {error}") from None
    if record is None and SHEET in texts:
        raise ImpastoError(f"{name} is a sheet of paintings: name one of its cells, which lie in a folder beside it")
    if record is None:
        raise ImpastoError(f"{name} holds no record of how it was made")
    return record


def checked_fields(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The fields `names` of a `Provenance` out of what the JSON held, each as a record of ours has it.

    Raises:
        RecordError: one is missing, of the wrong kind, out of its range, or no field.
    """
    read: dict[str, Callable[[Any], Any]]
    read = {"loras": read_loras, "concepts": read_concepts, "copy_check": read_copy_check, "memory": read_memory_use,
            "guider": read_guider, "guidance_interval": read_guidance_interval}  # fmt: skip
    return {name: read[name](values.get(name)) if name in read else _checked(name, values.get(name)) for name in names}


def _checked(name: str, value: Any) -> Any:
    """`value` of the field `name`, as a record of ours has it."""
    if name in _TEXTS and isinstance(value, str) and is_plain(value):
        return value
    if name == "expansion" and (value is None or (isinstance(value, str) and is_plain(value))):
        return value
    if name in _WHOLES and isinstance(value, int) and not isinstance(value, bool):
        lowest, highest = _WHOLES[name]
        if lowest <= value <= highest:
            return value
    if name in _REALS and not isinstance(value, str) and (number := real_number(value)) is not None:
        return number
    if name == "condition" and isinstance(value, dict) and all(map(_is_part, value.items())):
        return value
    raise RecordError(f"its impasto record has no valid {name!r}")


def _is_part(part: tuple[str, Any]) -> bool:
    name, value = part
    return is_plain(name) and (is_plain(value) if isinstance(value, str) else isinstance(value, int | None))


def is_plain(text: str) -> bool:
    """No control characters, which could steer a terminal; line breaks and tabs are fine."""
    return all(mark in "\n\t" or not (mark < " " or "\x7f" <= mark <= "\x9f") for mark in text)

"""The provenance record inside a painting's file: how it was made, as A1111's text and as a JSON chunk of Impasto's.

The JSON (chunk `impasto`) is exact, and paintings are repainted from it. The text (chunk `parameters`)
is for other tools, and it is the part that remains when one of them saves the picture again.
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
from impasto.painting.best_of.record import BestOf, read_best_of
from impasto.painting.control.record import ControlNote, read_controls
from impasto.painting.copies.record import CopyCheck, read_copy_check
from impasto.painting.editing.record import EditNote, read_edit
from impasto.painting.engines.record import EngineNote, read_engine
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
from impasto.painting.guides.record import GuideNote, read_guides
from impasto.painting.memory.record import NONE, MemoryUse, read_memory_use
from impasto.painting.prompt_to_prompt.record import WordsNote, read_words
from impasto.painting.provenance.adapters import read_concepts, read_loras
from impasto.painting.provenance.exif_text import utf_8_or_same
from impasto.painting.provenance.extension import ExtensionNote, read_extension
from impasto.painting.provenance.picture_text import SHEET, picture_texts, readable_name
from impasto.painting.provenance.prompt_weights import read_prompt_weights
from impasto.painting.provenance.sidecar_text import read_beside
from impasto.painting.safety.record import SafetyNote, read_safety
from impasto.prompts.condition import Condition
from impasto.prompts.weights import Weights, weighted_text

if TYPE_CHECKING:
    from impasto.painting.request import PaintRequest

__all__ = ["A1111_SAMPLERS", "ForeignRecord", "Provenance", "checked_fields", "is_plain", "png_info", "read_provenance"]

_FORMAT = 1
# Impasto's sampler names -> the names that A1111 and its forks use.
A1111_SAMPLERS = {
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
# Fields that are left out of a record without them, so that it is written as older versions wrote it.
_NEWER = ("extension", "best_of", "weights", "negative_prompt", "safety", "edit", "engine", "controls", "guides", "words")


@dataclass(frozen=True)
class Provenance:
    """All data needed to paint a picture again.

    Attributes:
        prompt: the user's prompt.
        condition: the parts of the prompt (`Condition.as_dict()`).
        expansion: the expanded prompt that was chosen for it, or None.
        negative: the negative prompt.
        seed: 0 .. 2**63 - 1, of this picture's own generator.
        sampler: Impasto's name of the sampler, as `--sampler` takes it.
        steps: 1 .. 1000.
        guidance: the guider's scale.
        eta: DDIM's share of fresh noise, 0 .. 1.
        width, height: in pixels.
        checkpoint: its name.
        checkpoint_hash: of the content of its weights, hexadecimal.
        version: Impasto's version.
        text: the exact input of the text encoder.
        loras, concepts: the adapters that were applied to the checkpoint, in this order.
        memory: the works and pictures that it attended to; None if no memory was used.
        guider: the guidance method, as `--guider` takes it; older records have none, and mean cfg.
        guidance_interval: the shares of the timesteps between which it is guided; None except for the guider interval.
        copy_check: its similarity to training pictures, if it was compared with them.
        extension: which of the extensions `expansion` is, if it is recorded.
        best_of: the paintings among which this one was chosen, if it was.
        weights: the caption and the negative prompt with the weights of their words, if any has one.
        negative_prompt: the user's negative prompt, if `negative` is another text.
        safety: what a safety checker found in it, if it was checked.
        edit: the picture that it started from, if it did.
        controls: the pictures whose maps it followed, if any.
        guides: the models whose gradients led its steps, if any.
        words: the text whose picture it keeps the layout of, if its words were edited.
        engine: what ran the model; None in older records.
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
    extension: ExtensionNote | None = None
    best_of: BestOf | None = None
    weights: Weights | None = None
    negative_prompt: str | None = None
    safety: SafetyNote | None = None
    edit: EditNote | None = None
    controls: tuple[ControlNote, ...] | None = None
    guides: tuple[GuideNote, ...] | None = None
    words: WordsNote | None = None
    engine: EngineNote | None = None

    @classmethod
    def of(
        cls,
        request: "PaintRequest",
        checkpoint: str,
        checkpoint_hash: str,
        loras: tuple[AppliedLora, ...] = (),
        concepts: tuple[AppliedConcept, ...] = (),
        memory: MemoryUse | None = None,
        engine: EngineNote | None = None,
        controls: tuple[ControlNote, ...] | None = None,
        guides: tuple[GuideNote, ...] | None = None,
    ) -> "Provenance":
        """Builds the record for the painting of `request` by this checkpoint with these LoRAs and concepts."""
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
            extension=request.extension,
            best_of=request.best_of,
            weights=request.weights,
            negative_prompt=request.negative_prompt,
            safety=request.safety,
            edit=None if request.edit is None else request.edit.note,
            engine=engine,
            controls=controls,
            guides=guides,
            words=request.words,
        )

    def to_parameters(self) -> str:
        """Returns A1111's `parameters` text. Its prompt is `text`, with the weights of its words, and the LoRAs that were
        merged, in A1111's prompt syntax, since that is the prompt that A1111 would need.
        """
        weights = self.weights or Weights()
        text = weighted_text(Condition.from_dict(self.condition), weights.prompt) if weights.prompt else self.text
        negative = weights.negative or self.negative
        guidance = int(self.guidance) if float(self.guidance).is_integer() else self.guidance
        settings = {
            "Steps": self.steps,
            "Sampler": A1111_SAMPLERS.get(self.sampler, self.sampler),
            "CFG scale": guidance,
            "Seed": self.seed,
            "Size": f"{self.width}x{self.height}",
            "Model hash": self.checkpoint_hash[:10],
            "Model": self.checkpoint,
            "Eta": self.eta or "",
            "Denoising strength": "" if self.edit is None else f"{self.edit.strength:g}",
            "Image CFG scale": self._image_guidance,
            GUIDER: "" if self.guider == USUAL else self.guider,
            GUIDANCE_INTERVAL: "" if self.guidance_interval is None else write_interval(self.guidance_interval),
            "Lora hashes": ", ".join(f"{lora.name}: {lora.content_hash[:12]}" for lora in self.loras),
            "TI hashes": ", ".join(f"{concept.name}: {concept.content_hash[:12]}" for concept in self.concepts),
            **self._memory_settings(),
            "Version": f"impasto {self.version}",
        }
        tags = [f"<lora:{lora.name}:{lora.scale:g}>" for lora in self.loras]
        lines = [" ".join([text or self.prompt, *tags])]
        if negative:
            lines.append(f"{NEGATIVE} {negative}")
        lines.append(", ".join(f"{k}: {quote_setting(v)}" for k, v in settings.items() if v != ""))
        return "\n".join(lines)

    @property
    def _image_guidance(self) -> str:
        guidance = None if self.edit is None else self.edit.image_guidance
        return "" if guidance is None else f"{guidance:g}"

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
        """Returns the JSON of the `impasto` chunk: the fields by name, and the format's number."""
        fields = {name: value for name, value in asdict(self).items() if value is not None or name not in _NEWER}
        return json.dumps({"format": _FORMAT, **fields}, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Provenance":
        """Parses the output of `to_json`. The text is untrusted input: every field is checked.

        Raises:
            RecordError: the text is not valid JSON, or a field is missing, of the wrong type or out of range.
        """
        return cls(**checked_fields(parse_object(text, "its impasto record"), cls.__dataclass_fields__))


def png_info(provenance: Provenance) -> PngInfo:
    """Returns the PNG chunks `parameters` and `impasto`: tEXt for Latin-1, iTXt (UTF-8) for anything else.

    Raises:
        ImpastoError: a text is not valid Unicode (lone surrogates, which an undecodable argument leaves).
    """
    info = PngInfo()
    text = provenance.to_parameters()
    try:
        if utf_8_or_same(text) != text:  # as Latin-1 it would be taken for UTF-8
            info.add_itxt("parameters", text)
        else:
            info.add_text("parameters", text)
        info.add_text("impasto", provenance.to_json())
    except UnicodeEncodeError:
        raise ImpastoError("the prompt is not valid Unicode text: type it again") from None
    return info


def read_provenance(path: str | Path) -> Provenance | ForeignRecord:
    """Reads how the picture at `path` (PNG, JPEG, WebP or AVIF) was made: from Impasto's own record, else another tool's,
    else from A1111's text file beside it.

    Raises:
        ImpastoError: no such file, not a picture, no record in it, or a record that is broken or of hostile size.
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
    record = record or read_beside(path)
    if record is None:
        raise ImpastoError(f"{name} holds no record of how it was made")
    return record


def checked_fields(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Returns the fields `names` of a `Provenance` from parsed JSON `values`, each checked and converted.

    Raises:
        RecordError: a field is missing, of the wrong type, out of its range, or unknown.
    """
    read: dict[str, Callable[[Any], Any]]
    read = {"loras": read_loras, "concepts": read_concepts, "copy_check": read_copy_check, "memory": read_memory_use,
            "guider": read_guider, "guidance_interval": read_guidance_interval, "extension": read_extension,
            "best_of": read_best_of, "weights": read_prompt_weights, "safety": read_safety,
            "edit": read_edit, "controls": read_controls, "guides": read_guides, "words": read_words,
            "engine": read_engine}  # fmt: skip
    return {name: read[name](values.get(name)) if name in read else _checked(name, values.get(name)) for name in names}


def _checked(name: str, value: Any) -> Any:
    """Returns `value` if it is valid for the field `name`; raises RecordError otherwise."""
    if name in _TEXTS and isinstance(value, str) and is_plain(value):
        return value
    if name in ("expansion", "negative_prompt") and (value is None or (isinstance(value, str) and is_plain(value))):
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
    """Returns whether `text` has no control characters, which could steer a terminal; line breaks and tabs are allowed."""
    return all(mark in "\n\t" or not (mark < " " or "\x7f" <= mark <= "\x9f") for mark in text)

"""What an enlarged picture says of its enlarging, beside all that it said before.

Our note is the PNG chunk `impasto-upscaled`, a JSON with one object per enlarging; A1111's chunk `postprocessing` tells the
last one to other tools.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL.PngImagePlugin import PngInfo

from impasto import __version__
from impasto.errors import ImpastoError
from impasto.painting.foreign import RecordError
from impasto.painting.foreign.a1111 import quote_setting
from impasto.painting.foreign.record import parse_object
from impasto.painting.provenance.picture_text import picture_texts

UPSCALED = "impasto-upscaled"
_POSTPROCESSING = "postprocessing"
_FORMAT = 1
_MOST_TEXT, _MOST_NAME = 1 << 20, 79  # what programs read of a chunk; the longest name that PNG allows


@dataclass(frozen=True)
class UpscalingNote:
    """How a picture was enlarged.

    Attributes:
        by: how many times as wide and high it became.
        model, model_hash: the upscaler's name and the SHA-256 of its file.
        width, height: of the picture before, in px.
        version: impasto's.
    """

    by: int
    model: str
    model_hash: str
    width: int
    height: int
    version: str = __version__

    def __str__(self) -> str:
        return f"{self.width}x{self.height} by {self.by} with {self.model} ({self.model_hash[:12]})"


def read_upscalings(picture: Path) -> list[UpscalingNote]:
    """How often and how the picture was enlarged, the first time first; nothing where it does not say so readably."""
    return _notes_in(texts_of(picture))


def texts_of(picture: Path) -> dict[str, str]:
    """The texts in a picture that is known to be one; none where its kind holds no record."""
    try:
        return picture_texts(picture)
    except ImpastoError:
        return {}


def _notes_in(texts: Mapping[str, str]) -> list[UpscalingNote]:
    try:
        steps = parse_object(texts.get(UPSCALED, "{}"), "its note of upscaling").get("steps", [])
        return [_checked_note(step) for step in steps] if isinstance(steps, list) else []
    except RecordError:
        return []


def _checked_note(step: object) -> UpscalingNote:
    """Raises RecordError: it is none of ours."""
    wholes, words = ("by", "width", "height"), ("model", "model_hash", "version")
    if isinstance(step, dict) and step.keys() == {*wholes, *words}:
        whole = all(type(step[name]) is int and 0 < step[name] < 2**31 for name in wholes)
        if whole and all(isinstance(step[name], str) and step[name].isprintable() for name in words):
            return UpscalingNote(**step)
    raise RecordError("its note of upscaling is broken")


def info_with(texts: Mapping[str, str], note: UpscalingNote) -> PngInfo:
    """The chunks of a picture that said `texts` and was then enlarged; what no PNG can hold is left out."""
    info = PngInfo()
    notes = [*_notes_in(texts), note]
    settings = {"Postprocess upscale by": note.by, "Postprocess upscaler": note.model}
    ours = {
        _POSTPROCESSING: ", ".join(f"{name}: {quote_setting(value)}" for name, value in settings.items()),
        UPSCALED: json.dumps({"format": _FORMAT, "steps": [asdict(note) for note in notes]}, ensure_ascii=False),
    }
    for name, text in {**texts, **ours}.items():
        try:
            if 0 < len(name.encode("latin-1")) <= _MOST_NAME and len(text.encode()) < _MOST_TEXT:
                info.add_text(name, text)
        except UnicodeEncodeError:
            continue
    return info

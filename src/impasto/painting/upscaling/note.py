"""The upscaling note in an enlarged picture: how it was enlarged, stored beside the picture's earlier metadata.

Impasto's note is the PNG chunk `impasto-upscaled`, a JSON with one object for each enlargement. The last one is also
written to A1111's chunk `postprocessing`, for other tools.
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
from impasto.painting.provenance.exif_text import utf_8_or_same
from impasto.painting.provenance.picture_text import picture_texts

UPSCALED = "impasto-upscaled"
_POSTPROCESSING = "postprocessing"
_FORMAT = 1
_MOST_TEXT, _MOST_NAME = 1 << 20, 79  # the longest chunk that programs read; the longest name that PNG allows


@dataclass(frozen=True)
class UpscalingNote:
    """How a picture was enlarged.

    Attributes:
        by: the factor by which width and height grew.
        model, model_hash: the upscaler's name and the SHA-256 of its file.
        width, height: of the picture before, in px.
        version: Impasto's version.
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
    """Returns the picture's upscaling notes, the earliest first; an empty list if it has none that can be read."""
    return _notes_in(texts_of(picture))


def texts_of(picture: Path) -> dict[str, str]:
    """Returns the texts in a file that is known to be a picture; an empty dict if its format holds no record."""
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
    """Returns `step` as a note. Raises RecordError if it is not a note that Impasto writes."""
    wholes, words = ("by", "width", "height"), ("model", "model_hash", "version")
    if isinstance(step, dict) and step.keys() == {*wholes, *words}:
        whole = all(type(step[name]) is int and 0 < step[name] < 2**31 for name in wholes)
        if whole and all(isinstance(step[name], str) and step[name].isprintable() for name in words):
            return UpscalingNote(**step)
    raise RecordError("its note of upscaling is broken")


def info_with(texts: Mapping[str, str], note: UpscalingNote) -> PngInfo:
    """Returns the PNG chunks of a picture with `texts` after it was enlarged; texts that no PNG can hold are left out."""
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
                # A text that would be taken for UTF-8 if it were written as Latin-1 is written as international text.
                add = info.add_text if utf_8_or_same(text) == text else info.add_itxt
                add(name, text)
        except UnicodeEncodeError:
            continue
    return info

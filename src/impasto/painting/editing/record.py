"""The edit in a painting's record: the picture that it starts from, the mask, and how both were used.

It does not import torch, and it is read back as untrusted input.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from impasto.painting.foreign import RecordError
from impasto.painting.foreign.record import real_number

Kind: TypeAlias = Literal["from", "inpaint", "outpaint", "instruct"]
Fit: TypeAlias = Literal["crop", "pad", "stretch"]
Method: TypeAlias = Literal["blend", "soft", "model"]
Fill: TypeAlias = Literal["original", "blur", "noise", "latent-noise"]
BackgroundMethod: TypeAlias = Literal["paste", "latents", "decoder"]
Outside: TypeAlias = Literal["exact", "model"]
Kept: TypeAlias = Literal["no", "beside", "inside"]
MaskKind: TypeAlias = Literal["file", "alpha", "box"]
Box: TypeAlias = tuple[int, int, int, int]

KINDS, FITS, METHODS, FILLS = get_args(Kind), get_args(Fit), get_args(Method), get_args(Fill)
BACKGROUNDS, OUTSIDE, KEPT = get_args(BackgroundMethod), get_args(Outside), get_args(Kept)

LARGEST_SIDE = 16_384  # px of a picture that is edited
LARGEST_BLUR, MOST_DILATIONS, LARGEST_PADDING = 64, 50, 2048
MOST_BACKGROUND_STEPS = 1000
IMAGE_GUIDANCE, LARGEST_IMAGE_GUIDANCE = 1.5, 50.0  # Brooks et al. 2023 use 1.5; 1 to 2.5 are usual
_LONGEST_NAME, _LONGEST_PATH = 300, 4096


@dataclass(frozen=True)
class SourceNote:
    """A picture file that was used: its name, its path as it was given, the SHA-256 of the file, and its size in px."""

    name: str
    path: str
    content_hash: str
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.path} ({self.content_hash[:12]}, {self.width}x{self.height})"


@dataclass(frozen=True)
class MaskNote:
    """Where the mask comes from.

    Attributes:
        kind: a file, the alpha channel of a file or of the picture, or a box.
        source: the file; None for a box, and for the picture's own alpha channel.
        box: left, top, width and height in px.
        inverted: whether black, or the opaque part, is painted anew.
        resized: whether it was brought to the picture's size.
    """

    kind: MaskKind
    source: SourceNote | None = None
    box: Box | None = None
    inverted: bool = False
    resized: bool = False

    def __str__(self) -> str:
        what = {"file": "white of", "alpha": "transparency of", "box": "box"}[self.kind]
        where = ",".join(map(str, self.box)) if self.box is not None else str(self.source or "the picture")
        return f"{what} {where}{', inverted' if self.inverted else ''}{', resized' if self.resized else ''}"


@dataclass(frozen=True)
class BackgroundNote:
    """How the part outside the mask is reconstructed (`impasto.painting.editing.background`).

    Attributes:
        method: paste, latents or decoder.
        steps: of the optimizer.
        weight: lambda of the survey's equation, the weight of the background.
        rate: the learning rate; None for the usual one of the method.
    """

    method: BackgroundMethod = "paste"
    steps: int = 75
    weight: float = 100.0
    rate: float | None = None


@dataclass(frozen=True)
class MaskedNote:
    """How a masked part is painted.

    Attributes:
        mask: where the mask comes from; None in an outpainting, whose mask is the new part.
        method: blend, soft or model.
        fill: what is in the masked part before it is painted.
        blur: width in px of the seam inside the mask.
        thin: number of dilations of a thin mask.
        padding: px around the mask that are painted with it; None for the whole picture.
        outside: exact, the input's pixels; or model, what the decoder gives.
        background: how the part outside is reconstructed.
    """

    mask: MaskNote | None
    method: Method = "blend"
    fill: Fill = "original"
    blur: int = 4
    thin: int = 0
    padding: int | None = None
    outside: Outside = "exact"
    background: BackgroundNote = BackgroundNote()


@dataclass(frozen=True)
class EditNote:
    """How a painting came from another picture.

    Attributes:
        kind: "from", the whole picture was painted over; "inpaint"; "outpaint"; "instruct", the prompt is an instruction.
        source: the picture.
        strength: 0 .. 1, the share of the steps that were run on it.
        fit: how it was brought to the painting's size.
        masked: the mask and its settings; None for "from".
        sides: px added at the left, top, right and bottom, for "outpaint".
        kept: where a copy of the files was stored.
        image_guidance: for "instruct": how closely the picture was followed, 0 .. 50; s_I of Brooks et al. 2023.
    """

    kind: Kind
    source: SourceNote
    strength: float
    fit: Fit = "crop"
    masked: MaskedNote | None = None
    sides: Box | None = None
    kept: Kept = "no"
    image_guidance: float | None = None

    def __str__(self) -> str:
        words = [f"{self.kind} {self.source}"]
        if self.image_guidance is not None:
            words.append(f"image guidance {self.image_guidance:g}")
        if self.kind != "instruct" or self.strength != 1:
            words.append(f"strength {self.strength:g}")
        if self.kind in ("from", "instruct"):
            words.append(f"fit {self.fit}")
        if self.sides is not None:
            names = ("left", "up", "right", "down")
            words += [f"{name} {px}" for name, px in zip(names, self.sides, strict=True) if px]
        if (how := self.masked) is not None:
            words += [f"mask: {how.mask}"] if how.mask is not None else []
            words += [f"method {how.method}", f"fill {how.fill}", f"seam {how.blur} px"]
            words += [f"thin {how.thin}"] if how.thin else []
            words += [f"only masked, padding {how.padding}"] if how.padding is not None else []
            words += [f"outside {how.outside}"] if how.outside != "exact" else []
            words += [f"background {how.background.method}"] if how.background.method != "paste" else []
        return ", ".join(words + ([f"source kept {self.kept}"] if self.kept != "no" else []))

    @property
    def files(self) -> tuple[SourceNote, ...]:
        """The files that the painting was made from: the picture, and the mask if it is a file."""
        mask = self.masked.mask if self.masked is not None else None
        return (self.source,) if mask is None or mask.source is None else (self.source, mask.source)


def read_source(value: Any) -> SourceNote:
    """Reads the note of a file.

    Raises:
        ValueError: the value is not one that Impasto writes.
    """
    try:
        return _source(value)
    except _Invalid:
        raise ValueError from None


def readable(text: str, longest: int = _LONGEST_NAME) -> str:
    """Returns a name as the record may hold it: without characters that do not print, and not too long."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:longest]


def readable_path(text: str) -> str:
    """The same for a path."""
    return readable(text, _LONGEST_PATH)


def read_edit(value: Any) -> EditNote | None:
    """Reads the field `edit` of a record; None if the painting did not start from a picture.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    if value is None:
        return None
    try:
        return _edit(value)
    except (_Invalid, TypeError, KeyError, AttributeError):
        raise RecordError("its impasto record has no valid 'edit'") from None


class _Invalid(Exception):
    pass


def _edit(value: Any) -> EditNote:
    kind = _one_of(KINDS)(value["kind"])
    note = EditNote(
        kind, _source(value["source"]), _real(value["strength"], 0, 1), _one_of(FITS)(value["fit"]),
        _optional(value.get("masked"), _masked), _optional(value.get("sides"), _box), _one_of(KEPT)(value["kept"]),
        _optional(value.get("image_guidance"), lambda one: _real(one, 0, LARGEST_IMAGE_GUIDANCE)),
    )  # fmt: skip
    found = (note.masked is not None, note.sides is not None, note.image_guidance is not None)
    if found != (kind in ("inpaint", "outpaint"), kind == "outpaint", kind == "instruct"):
        raise _Invalid
    return note


def _masked(value: Any) -> MaskedNote:
    background = value["background"]
    return MaskedNote(
        _optional(value.get("mask"), _mask), _one_of(METHODS)(value["method"]), _one_of(FILLS)(value["fill"]),
        _whole(value["blur"], LARGEST_BLUR), _whole(value["thin"], MOST_DILATIONS),
        _optional(value.get("padding"), lambda one: _whole(one, LARGEST_PADDING)), _one_of(OUTSIDE)(value["outside"]),
        BackgroundNote(
            _one_of(BACKGROUNDS)(background["method"]), _whole(background["steps"], MOST_BACKGROUND_STEPS),
            _real(background["weight"], 0, 1e6), _optional(background.get("rate"), lambda one: _real(one, 0, 10)),
        ),
    )  # fmt: skip


def _mask(value: Any) -> MaskNote:
    kind = _one_of(get_args(MaskKind))(value["kind"])
    if not isinstance(value["inverted"], bool) or not isinstance(value["resized"], bool):
        raise _Invalid
    source, box = _optional(value.get("source"), _source), _optional(value.get("box"), _box)
    if (kind == "box") != (box is not None) or (kind == "file" and source is None):
        raise _Invalid
    return MaskNote(kind, source, box, value["inverted"], value["resized"])


def _source(value: Any) -> SourceNote:
    content = value["content_hash"]
    if not isinstance(content, str) or len(content) != 64 or not set(content) <= set("0123456789abcdef"):
        raise _Invalid
    name, path = _text(value["name"], _LONGEST_NAME), _text(value["path"], _LONGEST_PATH)
    return SourceNote(name, path, content, _whole(value["width"], 10**6, 1), _whole(value["height"], 10**6, 1))


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > longest:
        raise _Invalid
    return value


def _one_of(names: tuple[Any, ...]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, str) or value not in names:
            raise _Invalid
        return value

    return read


def _whole(value: Any, most: int, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _Invalid
    return value


def _real(value: Any, least: float, most: float) -> float:
    number = None if isinstance(value, str) else real_number(value)
    if number is None or not least <= number <= most:
        raise _Invalid
    return number


def _box(value: Any) -> Box:
    if not isinstance(value, list | tuple) or len(value) != 4:
        raise _Invalid
    left, top, width, height = (_whole(one, LARGEST_SIDE) for one in value)
    return left, top, width, height


def _optional(value: Any, read: Callable[[Any], Any]) -> Any:
    return None if value is None else read(value)

"""What a picture's credentials say of it: what made it, with which tool, from which pictures. Read from its record."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from impasto import __version__
from impasto.data.catalogue.pictures import open_picture
from impasto.errors import ImpastoError, UsageError
from impasto.painting.credentials.embedded import holds_credentials, media_type
from impasto.painting.editing.kept_files import files_inside_opened, places_beside
from impasto.painting.foreign import ForeignRecord, RecordError, read_foreign
from impasto.painting.provenance.picture_text import SHEET, picture_texts, readable_name
from impasto.painting.provenance.record import Provenance
from impasto.painting.sheets.record import SheetRecord
from impasto.painting.upscaling.note import UPSCALED
from impasto.weights.file_hash import hash_file

Made: TypeAlias = Literal["generated", "composite"]
MADE: tuple[Made, ...] = get_args(Made)
Relationship: TypeAlias = Literal["parentOf", "inputTo"]

_DEEPEST = 4  # pictures from pictures from pictures ...
_THUMBNAIL = 512  # px of the longer side
_LARGEST = 256 << 20  # bytes of a source that is looked at


@dataclass(frozen=True)
class Ingredient:
    """A picture that a picture came from.

    Attributes:
        title: the name of its file.
        relationship: "parentOf" if its pixels are in the picture, "inputTo" if it only led the model.
        content_hash: SHA-256 of its file, hexadecimal.
        media_type: of the file, "" if unknown.
        signed: the bytes of the file if it has credentials of its own, which go with it; else b"".
        thumbnail: a small JPEG of it, if the picture holds it whole; else b"".
    """

    title: str
    relationship: Relationship
    content_hash: str
    media_type: str = ""
    signed: bytes = b""
    thumbnail: bytes = b""


@dataclass(frozen=True)
class Statement:
    """What is said of a picture.

    Attributes:
        made: "generated" by a model, or "composite": a model changed a picture that it did not make, such as a photograph.
        tool, version: what made it; the version is "" if it is unknown.
        ingredients: the pictures that it came from.
        prompt: what was asked for, if the user wants it to be said; else "".
        system: the checkpoint with its hash; "" without the prompt.
        enlarged: whether it was enlarged since.
    """

    made: Made
    tool: str = "impasto"
    version: str = __version__
    ingredients: tuple[Ingredient, ...] = ()
    prompt: str = ""
    system: str = ""
    enlarged: bool = False


def statement_of(
    data: bytes, name: str = "picture", *, folder: Path | None = None, made: Made | None = None, with_prompt: bool = False
) -> Statement | None:
    """Returns what is to be said of the picture in a file's bytes; None if it has no record and `made` is not given.

    A picture that a painting came from counts as generated if its own record says so, and as one that no model made if it
    has no record or is not at hand. It is looked for inside the painting and, if `folder` is given, there and at its
    recorded path; only a file of the recorded content counts.

    Args:
        name: of the file, for messages.
        folder: where the file is; None to look only inside it, as for pictures of strangers.
        made: what it is, whatever the record says.
        with_prompt: whether the prompt and the checkpoint are said.

    Raises:
        ImpastoError: it is not a picture, or its record is broken.
    """
    texts = picture_texts(Path(name), data)
    try:
        records = _records(texts)
    except RecordError as error:
        raise ImpastoError(f"{readable_name(Path(name))} cannot be read: {error}") from None
    if not records:
        return None if made is None else Statement(made, tool="", version="")
    sources = _Sources(data, folder)
    ingredients, kinds = sources.of(records)
    first = records[0]
    found: Made = "composite" if "composite" in kinds else "generated"
    tool, version = ("impasto", first.version) if isinstance(first, Provenance) else (first.tool, "")
    return Statement(
        made or found, tool, version, tuple(ingredients),
        _prompts(records) if with_prompt else "", _system(first) if with_prompt else "", UPSCALED in texts,
    )  # fmt: skip


def _records(texts: dict[str, str]) -> "list[Provenance] | list[ForeignRecord]":
    """Returns the record of a picture, those of all cells of a sheet, or none."""
    if "impasto" in texts:
        return [Provenance.from_json(texts["impasto"])]
    if SHEET in texts:
        return [cell for row in SheetRecord.from_json(texts[SHEET]).cells for cell in row]
    foreign = read_foreign(texts)
    return [] if foreign is None else [foreign]


def _prompts(records: "Iterable[Provenance | ForeignRecord]") -> str:
    return "; ".join(dict.fromkeys(filter(None, (record.prompt for record in records))))


def _system(record: "Provenance | ForeignRecord") -> str:
    if isinstance(record, Provenance):
        return f"{Path(record.checkpoint).name} ({record.checkpoint_hash[:12]})"
    return record.checkpoint


class _Sources:
    """The pictures from which the picture in `data` came, as far as they are at hand."""

    def __init__(self, data: bytes, folder: Path | None, depth: int = 0) -> None:
        self._inside = files_inside_opened(io.BytesIO(data))
        self._paths: dict[str, Path] = {}  # as recorded, by the hash
        self._folder, self._depth = folder, depth

    def of(self, records: "list[Provenance] | list[ForeignRecord]") -> tuple[list[Ingredient], set[Made]]:
        """Returns the ingredients, each once, and what the records say of the picture."""
        found: dict[str, Ingredient] = {}
        kinds: set[Made] = set()
        for record in records:
            if not isinstance(record, Provenance):
                kinds.add("composite" if _started_from_picture(record) else "generated")
                continue
            # What a model only looked at or followed the lines of is in no pixel: it does not make a composite.
            for ingredient, shows in self._named(record, alone=len(records) == 1):
                if ingredient.content_hash not in found:
                    found[ingredient.content_hash] = ingredient
                if shows:
                    kinds.add(self._kind(ingredient.content_hash, ingredient.title))
        return list(found.values()), kinds

    def _named(self, record: Provenance, alone: bool) -> Iterator[tuple[Ingredient, bool]]:
        """The ingredients that a record names, and whether the picture shows something of it."""
        if record.edit is not None:
            source = record.edit.source
            self._paths[source.content_hash] = Path(source.path)
            parent = alone and record.edit.kind != "from"
            # Of a picture that was painted over with all steps nothing remains, unless the noise was made from it.
            gone = record.edit.kind == "from" and record.edit.strength >= 1 and record.words is None
            yield self._ingredient(source.name, source.content_hash, "parentOf" if parent else "inputTo"), not gone
        for control in record.controls or ():
            self._paths[control.source.content_hash] = Path(control.source.path)
            yield self._ingredient(control.source.name, control.source.content_hash, "inputTo"), False
        for like in record.memory.likes if record.memory is not None else ():
            yield self._ingredient(like.name, like.content_hash, "inputTo"), False

    def _ingredient(self, name: str, content_hash: str, relationship: Relationship) -> Ingredient:
        data = self._at_hand(name, content_hash)
        return Ingredient(
            name, relationship, content_hash, media_type(data), data if holds_credentials(data) else b"",
            _thumbnail(data, name) if content_hash in self._inside else b"",
        )  # fmt: skip

    def _at_hand(self, name: str, content_hash: str) -> bytes:
        if content_hash in self._inside:
            return self._inside[content_hash]
        if self._folder is None:
            return b""
        recorded = self._paths.get(content_hash)
        for place in (*places_beside(self._folder, name, content_hash), *([] if recorded is None else [recorded])):
            try:
                place = place.expanduser()
                if place.is_file() and place.stat().st_size <= _LARGEST and hash_file(place) == content_hash:
                    return place.read_bytes()
            except (OSError, RuntimeError, ValueError, ImpastoError):  # not readable: as if it were not there
                continue
        return b""

    def _kind(self, content_hash: str, name: str) -> Made:
        """What a picture that something was made from is by its own record; without one, not a model's work."""
        data = self._at_hand(name, content_hash)
        if not data or self._depth == _DEEPEST:
            return "composite"
        try:
            records = _records(picture_texts(Path(name), data))
        except ImpastoError:
            return "composite"
        if not records:
            return "composite"
        return "composite" if "composite" in _Sources(data, self._folder, self._depth + 1).of(records)[1] else "generated"


def _started_from_picture(record: ForeignRecord) -> bool:
    """Whether another tool's settings, in A1111's words, are those of img2img or inpainting."""
    names = {name.casefold() for name in record.extra}
    enlarged = any(name.startswith("hires") for name in names)
    return "mask blur" in names or ("denoising strength" in names and not enlarged)


def _thumbnail(data: bytes, name: str) -> bytes:
    try:
        image = open_picture(Path(name), data=data, min_side=1)
    except ImpastoError:
        return b""
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    image.info = {}
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()


def check_made(made: str | None) -> None:
    """Checks what a user says a picture is.

    Raises:
        UsageError: it is neither "generated" nor "composite".
    """
    if made is not None and made not in MADE:
        raise UsageError(f"--as {made}: use {' or '.join(MADE)}")


def sha_256(data: bytes) -> str:
    """Returns the SHA-256 of some bytes, hexadecimal."""
    return hashlib.sha256(data).hexdigest()

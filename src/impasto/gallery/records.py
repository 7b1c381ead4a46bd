"""A picture of the gallery, what to look for, and a page of what was found."""

from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Row
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impasto.painting.foreign.record import ForeignRecord
    from impasto.painting.provenance.record import Provenance


@dataclass(frozen=True)
class Entry:
    """A picture in the gallery.

    Attributes:
        id: 20 hexadecimal digits, of its content.
        name: its file's name in `pictures/`, or in `bin/`.
        made_at: seconds since 1970, when the file was written.
        width, height: pixels.
        prompt, negative, artist, checkpoint, sampler, seed, steps: of its record; "" or None if it has none.
        tool: whose record it is: "impasto", "A1111", ...; "" for a picture without one.
        starred, binned: whether it is.
    """

    id: str
    name: str
    made_at: float
    width: int
    height: int
    prompt: str = ""
    negative: str = ""
    artist: str = ""
    checkpoint: str = ""
    sampler: str = ""
    seed: int | None = None
    steps: int | None = None
    tool: str = ""
    starred: bool = False
    binned: bool = False


COLUMNS = (
    "id, name, made_at, width, height, prompt, negative, artist, checkpoint, sampler, seed, steps, tool, starred, binned"
)


def entry_of(row: Row) -> Entry:
    """Converts a row with `COLUMNS`."""
    values = {name: row[name] for name in COLUMNS.split(", ")}
    return Entry(**{**values, "starred": bool(values["starred"]), "binned": bool(values["binned"])})


@dataclass(frozen=True)
class Filter:
    """What to look for; an empty one is every picture that is not in the bin.

    Attributes:
        text: words that prompt, negative prompt, artist, style, genre or checkpoint have; the last may be a beginning.
        artist, checkpoint: whole names, as `Gallery.names` lists them.
        since, until: seconds since 1970, `made_at` >= since and < until.
        seed: the seed of the record.
        starred: only starred ones.
        binned: those in the bin, instead of the others.
    """

    text: str = ""
    artist: str = ""
    checkpoint: str = ""
    since: float | None = None
    until: float | None = None
    starred: bool = False
    binned: bool = False
    seed: int | None = None


@dataclass(frozen=True)
class Page:
    """A part of what was found, newest first.

    Attributes:
        entries: the pictures.
        next: what `Gallery.page` takes as `after` for the next part; None if this was the last.
        total: how many there are in all; None for later parts, where it was told before.
    """

    entries: tuple[Entry, ...]
    next: str | None
    total: int | None


@dataclass(frozen=True)
class FileRecord:
    """What the index keeps of a file.

    Attributes:
        entry: the picture.
        words: by which it is found.
        sources: the first 20 digits of the hashes of the files that its record names: start picture, mask, controls.
    """

    entry: Entry
    words: str
    sources: tuple[str, ...] = ()


def read_file_record(path: Path, digits: str) -> FileRecord:
    """Reads a picture's size and record. A picture without a record is found by its name.

    Raises:
        ImpastoError: it is no picture, or of a hostile size.
    """
    from PIL import Image

    from impasto.errors import ImpastoError
    from impasto.painting.provenance.record import Provenance, read_provenance

    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as image:
            width, height = image.size
        made_at = path.stat().st_mtime
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImpastoError(f"{path} is no picture: {error}") from None
    plain = Entry(digits, path.name, made_at, width, height)
    try:
        record = read_provenance(path)
    except ImpastoError:
        return FileRecord(plain, path.stem.replace("-", " "))
    return FileRecord(*(_ours(plain, record) if isinstance(record, Provenance) else _others(plain, record)))


def _ours(plain: Entry, record: "Provenance") -> tuple[Entry, str, tuple[str, ...]]:
    artist = str(record.condition.get("artist") or "")
    entry = Entry(
        plain.id, plain.name, plain.made_at, plain.width, plain.height, record.prompt, record.negative, artist,
        record.checkpoint, record.sampler, record.seed, record.steps, "impasto",
    )  # fmt: skip
    parts = [record.prompt, record.expansion or "", record.negative, record.checkpoint]
    parts += [str(value) for value in record.condition.values() if value]
    notes = [control.source for control in record.controls or ()]
    if record.edit is not None:
        masked = record.edit.masked
        notes += [record.edit.source, None if masked is None or masked.mask is None else masked.mask.source]
    return entry, " ".join(parts), tuple(dict.fromkeys(note.content_hash[:20] for note in notes if note is not None))


def _others(plain: Entry, record: "ForeignRecord") -> tuple[Entry, str, tuple[str, ...]]:
    entry = Entry(
        plain.id, plain.name, plain.made_at, plain.width, plain.height, record.prompt, record.negative, "",
        record.checkpoint, record.sampler, record.seed, record.steps, record.tool,
    )  # fmt: skip
    return entry, " ".join((record.prompt, record.negative, record.checkpoint)), ()

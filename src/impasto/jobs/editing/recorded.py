"""Finds the files from which a recorded painting was made, and builds its edit again.

They are looked for inside the painting, beside it, at the recorded path, and last by their content in a folder that the user
names. A file counts only if its SHA-256 is the recorded one.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError, MissingPart, UsageError

if TYPE_CHECKING:
    from impasto.painting.editing.edit import Edit
    from impasto.painting.editing.masks import Mask
    from impasto.painting.editing.record import EditNote, SourceNote
    from impasto.painting.editing.source import SourcePicture

_MOST_FILES = 20_000  # of the folder that is searched
_SHOWN = 16  # hexadecimal digits of a hash


def recorded_edit(note: "EditNote", painting: Path, source: Path | None, strength: float | None = None) -> "Edit":
    """Returns the edit of a painting's record, with its files opened.

    Args:
        note: the record's edit.
        painting: the painting's file.
        source: a folder to search, or the file itself; None for none.
        strength: replaces the recorded one.

    Raises:
        UsageError: `source` does not exist.
        MissingPart: a file is not found; the message names it and its hash.
        ImpastoError: a file is found, but is another one now; the message names both hashes.
    """
    from impasto.painting.editing.edit import Edit

    if source is not None and not source.expanduser().exists():
        raise UsageError(f"--source {source}: there is no such file or folder")
    picture = found_file(note.source, painting, source)
    mask, masked = None, note.masked
    if masked is not None:
        mask = None if masked.mask is None else _mask(note, picture, painting, source)
        masked = replace(masked, mask=None)
    return Edit(
        picture, note.strength if strength is None else strength, note.fit, mask, masked, note.sides, note.kept,
        image_guidance=note.image_guidance,
    )  # fmt: skip


def _mask(note: "EditNote", picture: "SourcePicture", painting: Path, source: Path | None) -> "Mask":
    from impasto.painting.editing.masks import mask_of_alpha, mask_of_box, mask_of_file

    said = note.masked.mask if note.masked is not None else None
    assert said is not None
    if said.box is not None:
        return mask_of_box(said.box, picture, inverted=said.inverted)
    if said.source is None:
        return mask_of_alpha(picture, inverted=said.inverted)
    file = found_file(said.source, painting, source)
    return mask_of_file(file, picture, alpha=said.kind == "alpha", inverted=said.inverted, resize=said.resized)


def found_file(note: "SourceNote", painting: Path, source: Path | None) -> "SourcePicture":
    """Returns the file of this note, opened, under its recorded name and path.

    Raises:
        MissingPart, ImpastoError: as `recorded_edit`.
    """
    from impasto.painting.editing.kept_files import files_inside, places_beside
    from impasto.painting.editing.source import open_source, source_of
    from impasto.weights.file_hash import hash_file

    if (data := files_inside(painting).get(note.content_hash)) is not None:
        return replace(source_of(data, Path(note.name)), note=note)
    places = [*places_beside(painting.parent, note.name, note.content_hash), Path(note.path).expanduser()]
    if source is not None:
        places += _named_first(source.expanduser(), note.name)
    changed: tuple[Path, str] | None = None
    for place in places:
        try:
            if not place.is_file():
                continue
            content = hash_file(place)
        except (OSError, ImpastoError):  # not readable: as if it were not there
            continue
        if content == note.content_hash:
            return replace(open_source(place), note=note)
        if place.name == note.name:
            changed = changed or (place, content)
    then = note.content_hash[:_SHOWN]
    if changed is not None:
        raise ImpastoError(
            f"{changed[0]} is not the file that {painting.name} was made from: its SHA-256 begins with "
            f"{changed[1][:_SHOWN]}, the recorded one with {then}: give the folder of the right one with --source"
        )
    searched = "" if source is None else f", nor in {source}"
    raise MissingPart(
        f"{note.path} (SHA-256 {then}...), from which {painting.name} was made, is neither inside or beside it nor at that "
        f"path{searched}: give its folder with --source"
    )


def _named_first(source: Path, name: str) -> Iterator[Path]:
    """The file itself, or the files of a folder, those of the right name first."""
    if source.is_file():
        return iter((source,))
    files = [file for _, file in zip(range(_MOST_FILES), sorted(source.rglob("*")), strict=False) if file.is_file()]
    return iter(sorted(files, key=lambda file: file.name != name))

"""Tells what a training found in its folder of pictures, and what changed there between two starts of one run."""

import hashlib
import json
from pathlib import Path

from impasto.data.annotations.log import content_of
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.folder_rows import CONDITION_OF, CONDITIONS_LEFT
from impasto.data.catalogue.read import Catalogue, read_catalogue
from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.jobs.context import Context
from impasto.training.examples.training_set import chosen_entries, condition_of
from impasto.training.runs.folder import PICTURES

_MOST_NAMED = 3
_MOST_SKIPPED = 5
Seen = dict[str, tuple[str, str]]  # file name -> SHA-256 of the picture, hash of its texts


def note_folder(folder: Path, context: Context, *, conditions: bool = False) -> Catalogue:
    """Reads the folder, and notes what was read of it and what was not.

    Args:
        conditions: the training uses the condition pictures that the metadata names: nothing is said of them.

    Raises:
        ImpastoError: the folder holds no picture.
    """
    catalogue = read_catalogue(folder, check_images=False)
    report = catalogue.report
    notes, told = report.notes, [*report.warnings, *report.skipped]
    if conditions:
        notes = [note for note in notes if not note.startswith(CONDITIONS_LEFT)]
        told = [skipped for skipped in told if not skipped.reason.startswith(CONDITION_OF)]
    for note in notes:
        context.note(note)
    for skipped in told[:_MOST_SKIPPED]:
        context.note(f"{skipped.file_name}: {skipped.reason}")
    if len(told) > _MOST_SKIPPED:
        context.note(f"{len(told) - _MOST_SKIPPED} more such pictures of {folder}: `impasto data stats` names them")
    return catalogue


def seen_pictures(catalogue: Catalogue, artist: str | None) -> Seen:
    """Returns the pictures that the training uses.

    `artist` is as for `estimate_training`: None for all pictures, "" for all that are not held out.

    Raises:
        UsageError, ImpastoError: the folder holds no picture to train on.
    """
    entries = catalogue.entries if artist is None else chosen_entries(catalogue, artist)
    return {entry.file_name: seen for entry in entries if (seen := _seen(entry)) is not None}


def changes_since(run: Path, now: Seen) -> str:
    """Compares with the pictures of the run's last start; returns a sentence, or "" if they are the same or unknown."""
    before = _read(run / PICTURES)
    if before is None:
        return ""
    kept = [name for name in now if name in before]
    found = (
        ("edited", [name for name in kept if now[name][0] != before[name][0]]),
        ("with other captions or data", [n for n in kept if now[n][0] == before[n][0] and now[n][1] != before[n][1]]),
        ("new", [name for name in now if name not in before]),
        ("gone", [name for name in before if name not in now]),
    )
    parts = [f"{len(names)} {what} ({_some(names)})" for what, names in found if names]
    return f"the pictures have changed since the last start of this run: {', '.join(parts)}" if parts else ""


def keep_pictures(run: Path, seen: Seen) -> None:
    """Writes the pictures into the run's folder, for the comparison at its next start.

    Raises:
        ImpastoError: the disk cannot be written.
    """
    try:
        write_atomically(run / PICTURES, json.dumps(seen, ensure_ascii=False, indent=0).encode("utf-8", "replace"))
    except OSError as error:
        raise ImpastoError(f"{run / PICTURES} cannot be written: {error.strerror}") from None


def _seen(entry: CatalogueEntry) -> tuple[str, str] | None:
    try:
        content = content_of(entry.file)
    except ImpastoError:
        return None
    texts = "\n".join((condition_of(entry).text(), *entry.variants, str(entry.repeats)))
    return content, hashlib.sha256(texts.encode("utf-8", "replace")).hexdigest()[:16]


def _read(file: Path) -> Seen | None:
    try:
        found = json.loads(file.read_text("utf-8"))
        return {str(name): (str(content), str(texts)) for name, (content, texts) in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _some(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (" ..." if len(names) > _MOST_NAMED else "")

"""What a picture's record names, before a job reads it: a client may have written the record, so it names no other files.

A record holds the paths of LoRAs, concepts, control networks, start pictures, a memory and guides, and a job that paints a
picture again opens them. Those that clients may not name themselves are refused, whether or not they exist.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError, UsageError
from impasto.studio.requests.listed import concept_places, control_places, listed_checkpoints, lora_places
from impasto.workspace import Workspace

if TYPE_CHECKING:
    from impasto.painting.editing.record import SourceNote
    from impasto.painting.provenance.record import Provenance

READERS = ("repaint", "edit", "attention")  # the kinds of jobs that open what a record names
_OWN = ("pictures", "bin", "uploads", "catalogues", "runs")  # of the workspace


def check_record(file: Path, replaced: Collection[str], workspace: Workspace) -> None:
    """Checks the files that a picture's record names.

    Args:
        file: the picture.
        replaced: the fields that the request gives itself: "checkpoint", "lora", "concept".
        workspace: the workspace, whose pictures and runs may be named.

    Raises:
        UsageError: it names a file that is not listed.
    """
    from impasto.painting.provenance.record import Provenance, read_provenance

    try:
        record = read_provenance(file)
    except ImpastoError:
        return  # the job says so
    if not isinstance(record, Provenance):
        return  # other tools' records name by names alone
    for what, named in _named(record, replaced):
        if not _is_listed(what, named, file, workspace):
            shown = "".join(letter if letter.isprintable() else "?" for letter in named)[:200]
            raise UsageError(
                f"the picture's record names the {what} {shown!r}, which is not among those that the studio lists: name "
                "another one, or repaint it on the command line"
            )


def _named(record: "Provenance", replaced: Collection[str]) -> Iterator[tuple[str, str]]:
    """What the record names, each with what it is; the pictures come with their hash before the path."""
    if "checkpoint" not in replaced:
        yield "checkpoint", record.checkpoint
    if "lora" not in replaced:
        yield from (("LoRA", one.path) for one in record.loras if one.path)
    if "concept" not in replaced:
        yield from (("concept", one.path) for one in record.concepts if one.path)
    if record.memory is not None:
        yield "memory", record.memory.source
    if record.edit is not None:
        yield from (("start picture", one.path) for one in _sources(record))
    for control in record.controls or ():
        yield "picture of a control", control.source.path
        if control.net:  # else it is the checkpoint's own
            yield "control network", control.net
        if "@" in control.condition:
            yield "control network", control.condition.partition("@")[2]
    yield from (("guide's model", one.model) for one in record.guides or () if one.model)


def _sources(record: "Provenance") -> "Iterator[SourceNote]":
    edit = record.edit
    if edit is None:
        return
    yield edit.source
    if edit.masked is not None and edit.masked.mask is not None and edit.masked.mask.source is not None:
        yield edit.masked.mask.source


def _is_listed(what: str, named: str, file: Path, workspace: Workspace) -> bool:
    from impasto.adapters.lora.files import POCKET_STUDENT

    own = [workspace.folder / name for name in _OWN]
    if what == "checkpoint":
        return named in {one.name for one in listed_checkpoints()} or _within(named, [workspace.folder / "runs"])
    if what == "LoRA":
        return named == POCKET_STUDENT or _within(named, lora_places(workspace))
    if what == "concept":
        return _within(named, concept_places(workspace))
    if what == "memory":
        return named in ("", "none") or _within(named, [workspace.folder / "catalogues"])
    if what == "control network":
        return _within(named, [*control_places(workspace), *_checkpoint_folders()])
    if what == "guide's model":
        return _within(named, [workspace.folder / "runs"])
    return _within(named, own) or _is_inside(named, file)


def _is_inside(named: str, file: Path) -> bool:
    """Whether a start picture is kept inside the painting, which is looked at first."""
    from impasto.painting.editing.kept_files import files_inside
    from impasto.painting.provenance.record import Provenance, read_provenance

    record = read_provenance(file)
    if not isinstance(record, Provenance):
        return False
    notes = [*_sources(record), *(one.source for one in record.controls or ())]
    kept = files_inside(file)
    return bool(kept) and all(note.content_hash in kept for note in notes if note.path == named)


def _checkpoint_folders() -> list[Path]:
    return [Path(one.path) for one in listed_checkpoints() if Path(one.path).is_dir()]


def _within(named: str, places: list[Path]) -> bool:
    """Whether a path, all links followed, lies in one of the folders."""
    try:
        path = Path(named).expanduser()
        if "\0" in named or not path.is_absolute():
            return False
        real = path.resolve()
        return any(real.is_relative_to(place.resolve()) for place in places)
    except (OSError, RuntimeError, ValueError):  # a loop of links, an unknown user's home
        return False

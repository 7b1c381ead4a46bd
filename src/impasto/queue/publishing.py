"""The files of a unit: written to a folder of its own, then given names that their content makes.

A picture is called `<words>-<first 20 digits of its SHA-256>.png`, so the same picture painted twice is one file, and a
repeated unit overwrites itself. Files that a painting keeps beside it get their own names, as its record says.
"""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError
from impasto.files import sync_folder
from impasto.jobs.base import Job
from impasto.queue.claims import Unpublished
from impasto.queue.records import MadePicture
from impasto.weights.file_hash import hash_file
from impasto.workspace import Workspace

if TYPE_CHECKING:
    from impasto.jobs.events import PictureDone

ID_DIGITS = 20
_USUAL_OUT = ("pictures",)


def content_id(file: Path) -> str:
    """Returns the id of a picture: the first 20 hexadecimal digits of the SHA-256 of its file."""
    return hash_file(file)[:ID_DIGITS]


@dataclass(frozen=True)
class UnitFolder:
    """The folder in which a unit works.

    Attributes:
        path: `work/<job>-<unit>` in the workspace.
        target: the folder or FILE.png to which its pictures go.
    """

    workspace: Workspace
    path: Path
    target: Path

    @classmethod
    def of(cls, workspace: Workspace, job: Job, folder: str, number: int, unit: int) -> "UnitFolder":
        """Returns the folder of unit `unit` of job `number`.

        Pictures go to the workspace, unless the job names another place. Its relative paths start at `folder`.
        """
        out = getattr(job, "out", None)
        target = workspace.pictures if out is None or out.parts in ((), _USUAL_OUT) else Path(folder) / out.expanduser()
        return cls(workspace, workspace.place("work") / f"{number}-{unit}", target)

    def begin(self) -> Path:
        """Empties the folder, which a worker that died may have filled, and returns it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()
        return self.path

    def drop(self) -> None:
        """Removes the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def name(self, made: "Sequence[PictureDone]") -> tuple[list[MadePicture], list[tuple[str, str]]]:
        """Syncs the files to the disk and returns the pictures with their names, and (from, to) of all files.

        Raises:
            ImpastoError: a file cannot be read.
        """
        pictures: dict[Path, MadePicture] = {}
        files: list[tuple[str, str]] = []
        reported = {event.path.absolute(): event for event in made}
        try:
            for file in sorted(path for path in self.path.rglob("*") if path.is_file()):
                with file.open("rb") as handle:
                    os.fsync(handle.fileno())
                event = reported.get(file.absolute())
                if event is None:
                    files.append((str(file), str(_free_name(self._folder / file.name, file))))
                    continue
                digits = content_id(file)
                to = self._place(file, digits)
                files.append((str(file), str(to)))
                name = to.name if to.parent == self.workspace.pictures else str(to)
                pictures[file.absolute()] = _described(event, digits, name)
            sync_folder(self.path)
        except OSError as error:
            raise ImpastoError(f"{error.filename or self.path}: {error.strerror or error}") from error
        return [pictures[path] for path in reported if path in pictures], files

    @property
    def _is_file(self) -> bool:
        return self.target.suffix.lower() == ".png" and not self.target.is_dir()

    @property
    def _folder(self) -> Path:
        return self.target.parent if self._is_file else self.target

    def _place(self, file: Path, digits: str) -> Path:
        if self._is_file:
            return self.target
        stem = re.sub(r"-1(?=-rank-|$)", "", file.stem)
        return self.target / f"{stem}-{digits}{file.suffix.lower()}"


def elsewhere(made: "Sequence[PictureDone]") -> list[MadePicture]:
    """Returns the pictures of a job that wrote them to their places itself."""
    return [_described(event, "", str(event.path.absolute())) for event in made]


def publish(unit: Unpublished) -> list[Path]:
    """Gives the files of a finished unit their names, and returns its pictures. It may be repeated after a kill.

    Raises:
        ImpastoError: a file cannot be moved; it stays where it is.
    """
    moved: list[Path] = []
    names = {Path(one["name"]).name for one in unit.result.get("pictures", ())}
    for source, to in ((Path(one), Path(other)) for one, other in unit.result.get("files", ())):
        try:
            if source.exists():
                to.parent.mkdir(parents=True, exist_ok=True)
                _move(source, to)
            if to.name in names and to.exists():
                moved.append(to)
        except OSError as error:
            reason = error.strerror or error
            raise ImpastoError(f"{to} cannot be written: {reason}; the picture is kept in {source}") from error
    for folder in {Path(source).parent for source, _ in unit.result.get("files", ())}:
        shutil.rmtree(folder, ignore_errors=True)
    return moved


def _move(source: Path, to: Path) -> None:
    try:
        source.replace(to)
    except OSError:
        if not source.exists() or source.stat().st_dev == to.parent.stat().st_dev:
            raise
        beside = to.with_name(f".{to.name}.part")  # another file system: copied, then renamed
        with source.open("rb") as read, beside.open("wb") as write:
            shutil.copyfileobj(read, write)
            write.flush()
            os.fsync(write.fileno())
        beside.replace(to)
        source.unlink()
    sync_folder(to.parent)


def _free_name(to: Path, file: Path) -> Path:
    """The name of a file that is kept beside a painting: its own, with its hash if another file has it."""
    if not to.exists() or hash_file(to) == hash_file(file):
        return to
    return to.with_name(f"{to.stem}-{hash_file(file)[:12]}{to.suffix}")


def _described(event: "PictureDone", digits: str, name: str) -> MadePicture:
    record = event.provenance
    if record is None:
        return MadePicture(digits, name)
    return MadePicture(digits, name, record.seed, record.prompt, str(record.condition.get("artist") or ""))

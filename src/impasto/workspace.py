"""The workspace: the folder that holds a user's queue, gallery, pictures, uploads and runs.

    queue.sqlite3      jobs, units and events (`impasto.queue`)
    gallery.sqlite3    the index of what was painted (`impasto.gallery`); it can be rebuilt from the pictures
    pictures/          what the queue painted, each file once, named by its content
    bin/               pictures that were removed from the gallery
    uploads/           pictures that clients sent, named by their content
    runs/  catalogues/  sheets/    what trainings, imports and grids of the studio write
    judgements/  reproductions/    votes and reports of the page Judge
    thumbnails/        small copies of pictures, made when they are asked for
    work/              unfinished pictures of running jobs
    locks/             one file for each process of which there may be only one

The folder is `--workspace`, else `$IMPASTO_WORKSPACE`, else the user's data folder.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from impasto.errors import ImpastoError

ENVIRONMENT = "IMPASTO_WORKSPACE"


def usual_workspace() -> Path:
    """Returns `$IMPASTO_WORKSPACE`, else the user's data folder: `$XDG_DATA_HOME/impasto`, `~/.local/share/impasto`, on
    macOS `~/Library/Application Support/impasto`, on Windows `%LOCALAPPDATA%\\impasto`.
    """
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_DATA_HOME")
    if base:
        return Path(base) / "impasto"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "impasto"
    if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"]) / "impasto"
    return Path.home() / ".local" / "share" / "impasto"


@dataclass(frozen=True)
class Workspace:
    """A workspace and the places in it.

    Attributes:
        folder: absolute.
    """

    folder: Path

    @classmethod
    def open(cls, folder: Path | None = None) -> "Workspace":
        """Opens a workspace, the usual one if None, and creates its folder.

        Raises:
            ImpastoError: the folder cannot be created.
        """
        place = (usual_workspace() if folder is None else folder.expanduser()).absolute()
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImpastoError(f"the workspace {place} cannot be created: {error.strerror or error}") from None
        return cls(place)

    def place(self, name: str) -> Path:
        """Returns the folder `name` in the workspace, which is created.

        Raises:
            ImpastoError: it cannot be created.
        """
        folder = self.folder / name
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise ImpastoError(f"{folder} cannot be created: {error.strerror or error}") from None
        return folder

    @property
    def queue_file(self) -> Path:
        """The database of the queue."""
        return self.folder / "queue.sqlite3"

    @property
    def gallery_file(self) -> Path:
        """The index of the gallery."""
        return self.folder / "gallery.sqlite3"

    @property
    def pictures(self) -> Path:
        """The folder of the painted pictures."""
        return self.place("pictures")

"""What the test of SIGKILL runs in a child process: `impasto grid`, which tells of each cell that is saved."""

import os
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from impasto.painting.painting import Painting


def grid_in_child(folder: Path, pocket: Path, arguments: list[str], saved: Connection) -> None:
    """Runs the command in `folder`, with `pocket` as pocket, and sends the name of each painting that is saved."""
    from impasto.cli.main import main

    torch.set_num_threads(1)
    os.chdir(folder)
    os.environ.update({"IMPASTO_POCKET": str(pocket), "IMPASTO_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"})
    save = Painting.save

    def save_and_tell(self: Painting, path: str | Path, *, overwrite: bool = False) -> Path:
        done = save(self, path, overwrite=overwrite)
        saved.send(done.name)
        return done

    Painting.save = save_and_tell
    main(["grid", *arguments])

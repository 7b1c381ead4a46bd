"""The base of the jobs that change a picture: its file, and the run that paints and saves."""

import secrets
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import UsageError
from impasto.jobs.context import Context
from impasto.jobs.painting.checks.living_artists import say_living
from impasto.jobs.painting.output import Output
from impasto.jobs.painting.paint import MOST_PICTURES, check_batch
from impasto.jobs.painting.paint_files import PaintedFile, paint_files
from impasto.jobs.painting.picture import PictureJob
from impasto.painting.file_names import slug

if TYPE_CHECKING:
    from impasto.painting.editing.edit import Edit


class EditingJob(PictureJob):
    """A job that changes a picture.

    Attributes:
        not_ours: fields of a new picture that have no meaning here, with their options, and the reason why.
        file: the picture.
        count: number of results, 1 to 10,000; result k has `seed` + k - 1.
        batch: number of pictures that are painted at once; None for as many as fit.
        preview_every: number of steps between two previews; 0 for never.
        out: a folder, or one FILE.png; None for the picture's own folder.
        overwrite: whether that file may be replaced.
    """

    not_ours: ClassVar[Mapping[str, str]] = {
        "init": "--from", "fit": "--fit", "size": "--size", "width": "--width", "height": "--height",
        "cross_replace": "--cross-replace", "self_replace": "--self-replace",
    }  # fmt: skip
    why_not: ClassVar[str] = "this keeps the picture's size"

    file: Path
    count: int = 1
    batch: int | None = None
    preview_every: int = 0
    out: Path | None = None
    overwrite: bool = False

    @model_validator(mode="after")
    def _check_editing(self) -> "EditingJob":
        for field, option in self.not_ours.items():
            if getattr(self, field) not in (None, "", ()):
                raise UsageError(f"{option} is for paint: {self.why_not}")
        if self.swap:
            raise UsageError("--swap is for paint and edit: a masked part has a prompt of its own")
        if not 1 <= self.count <= MOST_PICTURES:
            raise UsageError(f"count {self.count}: use 1 to {MOST_PICTURES}")
        check_batch(self.batch)
        if self.preview_every < 0:
            raise UsageError(f"preview-every {self.preview_every}: use 0 (never) or more")
        if (self.seed or 0) + self.count > 2**63:
            raise UsageError(f"seed {self.seed}: the job needs {self.count} seeds from it on: use a smaller one")
        return self

    @property
    def has_picture(self) -> bool:
        """True: `--strength` and `--keep-source` are for the picture that it edits."""
        return True

    @property
    @abstractmethod
    def done(self) -> str:
        """The word for the names of the results: "inpainted"."""

    @abstractmethod
    def start(self) -> "Edit":
        """Opens the picture, and the mask, and returns the edit.

        Raises:
            UsageError, ImpastoError: a file is missing, no picture, or does not fit the other.
        """

    def run(self, context: Context) -> list[PaintedFile]:
        """Paints and saves each result as soon as it is finished.

        Raises:
            UsageError, MissingPart, ImpastoError: a file or a part does not exist, or options do not fit together.
            StoppedError: the job was stopped.
        """
        self.start()  # the files are checked before the checkpoint
        seed = secrets.randbelow(2**32) if self.seed is None else self.seed
        setup = self.setup(context.note)
        first = self.settle(setup, seed)
        say_living([first.condition.artist], setup.artists, context.note)
        requests = self.prompt_steps.apply([replace(first, seed=seed + k) for k in range(self.count)], context.note)
        place = self.file.expanduser().parent if self.out is None else self.out
        output = Output.at(place, slug(f"{self.file.stem} {self.done}"), self.count, self.overwrite)
        return paint_files(requests, output, setup, context, batch=self.batch, preview_every=self.preview_every)

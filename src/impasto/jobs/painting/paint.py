"""The job `paint`: new pictures from a prompt."""

import secrets
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from pydantic import model_validator

from impasto.errors import UsageError
from impasto.jobs.context import Context
from impasto.jobs.judging.training_pictures import USUAL_FEATURES
from impasto.jobs.painting.copy_avoidance import CopyAvoidance, check_avoidance
from impasto.jobs.painting.output import Output
from impasto.jobs.painting.paint_files import PaintedFile, paint_files
from impasto.jobs.painting.picture import PictureJob
from impasto.painting.file_names import slug

MOST_PICTURES = 10_000


def check_batch(batch: int | None) -> None:
    """Raises UsageError where so many pictures cannot be painted at once."""
    if batch is not None and batch < 1:
        raise UsageError(f"batch {batch}: use 1 or more")


class PaintJob(PictureJob):
    """New pictures from a prompt.

    Attributes:
        count: how many, 1 to 10,000; picture k has `seed` + k - 1.
        batch: how many are painted at once; None for as many as fit.
        preview_every: how many steps apart a file shows how far each picture is; 0 for never.
        out: a folder, or one FILE.png; `overwrite` replaces that file.
        avoid_copies: training pictures (a catalogue, or a copy index): what looks like one of them is painted again, at most
            `copy_repaints` times (4), compared by `copy_features`.
    """

    kind: ClassVar[str] = "paint"

    count: int = 1
    batch: int | None = None
    preview_every: int = 0
    out: Path = Path("pictures")
    overwrite: bool = False
    avoid_copies: Path | None = None
    copy_repaints: int | None = None
    copy_features: str = USUAL_FEATURES

    @model_validator(mode="after")
    def _check(self) -> "PaintJob":
        if not 1 <= self.count <= MOST_PICTURES:
            raise UsageError(f"count {self.count}: use 1 to {MOST_PICTURES}")
        check_batch(self.batch)
        if self.preview_every < 0:
            raise UsageError(f"preview-every {self.preview_every}: use 0 (never) or more")
        check_avoidance(self.avoid_copies, self.copy_repaints)
        if self.seed is not None:
            self.draft(self.seed + self.count - 1)  # the last seed has its range too
        return self

    def run(self, context: Context) -> list[PaintedFile]:
        """Paints the pictures and saves each as soon as it is finished.

        Raises:
            UsageError, MissingPart, ImpastoError: something that was asked for is not there, or does not go together; the
                disk refuses; copies were left out.
            StoppedError: it was stopped.
        """
        seed = secrets.randbelow(2**32) if self.seed is None else self.seed
        if self.avoid_copies is not None and not self.avoid_copies.exists():
            raise UsageError(f"--avoid-copies {self.avoid_copies}: there is no such catalogue or copy index")
        setup = self.setup(context.note)
        first = self.settle(setup, seed)
        requests = self.prompt_steps.apply([replace(first, seed=seed + k) for k in range(self.count)], context.note)
        stem = slug(self.prompt if self.prompt.strip() else requests[0].condition.text())
        output = Output.at(self.out, stem, self.count, self.overwrite)
        avoidance = None
        if self.avoid_copies is not None:
            repaints = check_avoidance(self.avoid_copies, self.copy_repaints)
            avoidance = CopyAvoidance.prepare(self.avoid_copies, repaints, self.copy_features, context)
        return paint_files(
            requests, output, setup, context, batch=self.batch, preview_every=self.preview_every, avoidance=avoidance
        )

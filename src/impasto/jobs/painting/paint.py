"""The job `paint`: paints new pictures from a prompt."""

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
    """Raises UsageError if the batch size is invalid."""
    if batch is not None and batch < 1:
        raise UsageError(f"batch {batch}: use 1 or more")


class PaintJob(PictureJob):
    """Paints new pictures from a prompt.

    Attributes:
        count: number of pictures, 1 to 10,000; picture k has `seed` + k - 1.
        batch: number of pictures that are painted at once; None for as many as fit.
        preview_every: number of steps between two previews, which are written to a file per picture; 0 for never.
        out: a folder, or one FILE.png.
        overwrite: whether that file may be replaced.
        avoid_copies: training pictures (a catalogue, or a copy index); a picture that looks like one of them is painted
            again.
        copy_repaints: how often a copy is painted again at most; None for 4.
        copy_features: the feature extractor for finding copies.
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
            self.draft(self.seed + self.count - 1)  # the last seed must be in range, too
        return self

    def run(self, context: Context) -> list[PaintedFile]:
        """Paints the pictures and saves each as soon as it is finished.

        Raises:
            UsageError, MissingPart, ImpastoError: a requested part does not exist, or options do not fit together; a file
                cannot be written; copies were left out.
            StoppedError: the job was stopped.
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

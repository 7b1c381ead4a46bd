"""A job that draws small pictures without a checkpoint, and makes workers die, fail and wait; for tests' processes, too."""

import os
import signal
import time
from pathlib import Path
from typing import ClassVar

from PIL import Image
from pydantic import model_validator

from impasto import jobs
from impasto.errors import ImpastoError, StoppedError
from impasto.jobs.context import Context
from impasto.jobs.painting.paint import PaintJob


class DrawJob(PaintJob):
    """Stands in for `paint`: picture k is a square of the colour of its seed. The prompt says what else happens.

    "die": the worker kills itself at the odd seeds. "fail": a sentence at the odd seeds. "slow": 50 steps of 20 ms.
    """

    kind: ClassVar[str] = "paint"

    @model_validator(mode="after")
    def _check_picture(self) -> "DrawJob":
        return self  # it would load torch, in every process

    @model_validator(mode="after")
    def _check(self) -> "DrawJob":
        return self

    def run(self, context: Context) -> list[Path]:
        made: list[Path] = []
        try:
            for seed in range(self.seed or 0, (self.seed or 0) + self.count):
                for step in range(50 if "slow" in self.prompt else 2):
                    context.progress(f"{step}", step / 50)
                    time.sleep(0.02 if "slow" in self.prompt else 0.0)
                if "die" in self.prompt and seed % 2:
                    os.kill(os.getpid(), signal.SIGKILL)
                if "fail" in self.prompt and seed % 2:
                    raise ImpastoError(f"seed {seed} does not work")
                path = self.out / f"{self.prompt.split()[0]}-{seed}.png"
                image = Image.new("RGB", (8, 8), (seed % 256, seed // 256 % 256, 7))
                if self.preview_every:
                    context.preview(0, 1, image)
                image.save(path)
                made.append(path)
                context.picture_done(path, 0.1)
        except KeyboardInterrupt:
            raise StoppedError("stopped") from None
        return made


def stand_in() -> None:
    """Makes `DrawJob` the job of the kind "paint", also in batches, for this process."""
    import impasto.jobs.batch
    import impasto.queue.units

    jobs.HOMES["paint"] = "tests.queue.drawn:DrawJob"
    impasto.jobs.batch.PaintJob = DrawJob  # pyright: ignore[reportAttributeAccessIssue]

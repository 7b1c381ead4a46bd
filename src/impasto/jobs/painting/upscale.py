"""The job `upscale`: enlarges pictures to two or four times their width and height."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import model_validator

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.disk import check_writable


@dataclass(frozen=True)
class UpscaledPicture:
    """One enlarged picture; width and height in pixels."""

    path: Path
    source: Path
    width: int
    height: int
    model: str
    seconds: float


class UpscaleJob(Job):
    """Enlarges pictures; a painting keeps its record.

    Attributes:
        pictures: the files.
        by: the factor, 2 or 4.
        model: weights in Real-ESRGAN's compact layout, a run's folder, or a name; None for the upscaler that ships.
        out: a folder; None for each picture's own folder.
        tile: pixels of a tile's side; 0 for the whole picture at once, None for 256.
    """

    kind: ClassVar[str] = "upscale"

    pictures: tuple[Path, ...]
    by: int = 2
    model: str | None = None
    out: Path | None = None
    tile: int | None = None
    device: str = "auto"

    @model_validator(mode="after")
    def _check(self) -> "UpscaleJob":
        from impasto.painting.upscaling.request import TILE, check_request

        if not self.pictures:
            raise UsageError("there is nothing to enlarge: name one picture or more")
        check_request(self.by, TILE if self.tile is None else self.tile)
        return self

    def run(self, context: Context) -> list[UpscaledPicture]:
        """Enlarges one picture after the other; a picture that cannot be read is reported, and the others continue.

        Raises:
            UsageError, MissingPart, ImpastoError: there is no such model or device; a picture could not be enlarged.
            StoppedError: the job was stopped.
        """
        if self.out is not None:
            if self.out.is_file():
                raise UsageError(f"--out {self.out} is a file: give a folder")
            check_writable(self.out)
        from impasto.painting.upscaling.file import upscale_file
        from impasto.painting.upscaling.request import TILE
        from impasto.painting.upscaling.tiles import Upscaler

        upscaler = Upscaler.load(self.model, device=self.device)
        done: list[UpscaledPicture] = []
        of = len(self.pictures)
        failed = 0
        try:
            for number, picture in enumerate(self.pictures):
                title = f"{picture.name} ({number + 1} of {of})" if of > 1 else picture.name

                def on_tile(tiles: int, all_tiles: int, title: str = title, number: int = number) -> None:
                    context.progress(title, (number + tiles / all_tiles) / of)

                context.progress(title, number / of)
                started = time.monotonic()
                try:
                    made = upscale_file(
                        picture, upscaler, self.by, out=self.out, tile=TILE if self.tile is None else self.tile,
                        on_progress=on_tile,
                    )  # fmt: skip
                except ImpastoError as error:
                    context.failure(error)
                    failed += 1
                    continue
                seconds = time.monotonic() - started
                one = UpscaledPicture(made.path, picture, made.width, made.height, upscaler.name, seconds)
                done.append(one)
                context.picture_done(
                    made.path, seconds, source=str(picture), width=made.width, height=made.height, by=self.by,
                    model=upscaler.name,
                )  # fmt: skip
        except KeyboardInterrupt:
            raise StoppedError(f"stopped: {len(done)} of {of} pictures are finished") from None
        if failed:
            raise ImpastoError(f"{failed} of {of} pictures could not be upscaled")
        return done

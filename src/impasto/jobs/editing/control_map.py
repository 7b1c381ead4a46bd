"""The job `control-map`: makes the map of a picture that a ControlNet follows: its edges, strokes, depth or colours."""

import io
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.disk import check_writable

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class ControlMap:
    """One map; width and height in pixels."""

    path: Path
    source: Path
    condition: str
    width: int
    height: int


class ControlMapJob(Job):
    """Makes the control maps of pictures: PNG files of the pictures' size.

    Attributes:
        condition: which maker, with its settings: "canny", "canny:100:200", "depth@FOLDER".
        pictures: the files.
        from_drawing: the pictures are drawings by hand: their strokes are the map, whatever the paper's colour.
        side: pixels of the shorter side; larger pictures are reduced first; None leaves them.
        out: a folder, or FILE.png for one picture; None for each picture's own folder.
        overwrite: whether a file that is there may be replaced.
    """

    kind: ClassVar[str] = "control-map"

    condition: str
    pictures: tuple[Path, ...]
    from_drawing: bool = False
    side: int | None = None
    out: Path | None = None
    overwrite: bool = False

    @model_validator(mode="after")
    def _check(self) -> "ControlMapJob":
        from impasto.vision.control_maps.makers import MAP, parse_maker

        if not self.pictures:
            raise UsageError("there is nothing to make a map of: name one picture or more")
        maker = parse_maker(self.condition)
        if maker.spec.name == MAP:
            raise UsageError("map names a picture that is a map already: there is nothing to make")
        if self.from_drawing and not maker.spec.strokes:
            raise UsageError(f"--from-drawing takes strokes, and {maker.spec.name} has none: use scribble")
        if self.side is not None and not 16 <= self.side <= 8192:
            raise UsageError(f"side {self.side}: use 16 to 8192 pixels")
        if self.out is not None and self.out.suffix.lower() == ".png" and len(self.pictures) > 1:
            raise UsageError(f"--out {self.out} is one file for {len(self.pictures)} pictures: give a folder")
        if self.out is not None and self.out.suffix and self.out.suffix.lower() != ".png" and not self.out.is_dir():
            raise UsageError(f"--out {self.out}: a map is a .png file, since JPEG would blur its edges")
        return self

    def run(self, context: Context) -> list[ControlMap]:
        """Makes one map after the other; a picture that cannot be read is reported, and the others continue.

        Raises:
            UsageError, MissingPart: a file is there already; a package or the network of the maker is missing.
            ImpastoError: a map could not be made.
            StoppedError: the job was stopped.
        """
        from impasto.data.catalogue.pictures import open_picture
        from impasto.files import write_atomically
        from impasto.vision.control_maps.makers import MAKERS, looks_inverted, parse_maker

        maker = parse_maker(self.condition)
        if self.from_drawing:
            maker = replace(maker, spec=MAKERS["scribble"], values=())
        one_file = self.out is not None and self.out.suffix.lower() == ".png"
        check_writable(self.out.parent if one_file and self.out is not None else self.out or self.pictures[0].parent)
        done: list[ControlMap] = []
        failed, started = 0, time.monotonic()
        try:
            for number, picture in enumerate(self.pictures):
                context.progress(picture.name, number / len(self.pictures))
                try:
                    image = open_picture(picture, min_side=1)
                    if self.side is not None and min(image.size) > self.side:
                        share = self.side / min(image.size)
                        image = image.resize((round(image.width * share), round(image.height * share)))
                    made = maker(image)
                except UsageError:
                    raise
                except ImpastoError as error:
                    if type(error) is not ImpastoError:  # a missing part will be missing for the next one, too
                        raise
                    context.failure(error)
                    failed += 1
                    continue
                if maker.spec.strokes and looks_inverted(made):
                    context.note(f"{picture.name}: most of its map is white; networks expect white strokes on black")
                path = self._path(picture, maker.spec.name)
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, _png(made))
                done.append(ControlMap(path, picture, str(maker), *made.size))
                context.picture_done(path, time.monotonic() - started, source=str(picture), condition=str(maker))
        except KeyboardInterrupt:
            raise StoppedError(f"stopped: {len(done)} of {len(self.pictures)} maps are finished") from None
        if failed:
            raise ImpastoError(f"{failed} of {len(self.pictures)} maps could not be made")
        return done

    def _path(self, picture: Path, name: str) -> Path:
        """Returns where the map goes.

        Raises:
            UsageError: a file is there already.
        """
        if self.out is not None and self.out.suffix.lower() == ".png":
            path = self.out
        else:
            path = (self.out or picture.parent) / f"{picture.stem}-{name}.png"
        if path.exists() and not self.overwrite:
            raise UsageError(f"{path} exists already: --overwrite replaces it")
        return path


def _png(image: "Image.Image") -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()

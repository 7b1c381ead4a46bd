"""Output files of paintings: names from the prompt, no replaced files, and a write test before the work starts."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import UsageError
from impasto.jobs.disk import check_writable

if TYPE_CHECKING:
    from impasto.painting.painting import Painting



@dataclass(frozen=True)
class Output:
    """The output location of the paintings of one command.

    Attributes:
        folder: the folder of the paintings; it is created when the first one is finished.
        stem: the file names are `<stem>-<number>.png`, with the numbers that follow those in use.
        file: the full path of a single painting, instead of a numbered name.
        overwrite: whether `file` may replace an existing file.
        made: the folders that did not exist before, innermost first.
    """

    folder: Path
    stem: str
    file: Path | None = None
    overwrite: bool = False
    made: tuple[Path, ...] = ()

    @classmethod
    def at(cls, out: Path, stem: str, count: int, overwrite: bool) -> "Output":
        """Returns the output for `--out`: one file if it ends in .png, otherwise a folder.

        Raises:
            UsageError: one file is given for several paintings, the file exists, or its folder does not exist.
            ImpastoError: the location cannot be written.
        """
        if out.suffix.lower() == ".png" and not out.is_dir():
            if count > 1:
                raise UsageError(f"--out {out} names one picture, but --count is {count}: give a folder")
            if out.exists() and not overwrite:
                raise UsageError(f"{out} is there already: choose another name, or add --overwrite")
            if not out.parent.exists():
                raise UsageError(f"--out {out}: there is no folder {out.parent}")
            output = cls(out.parent, stem, out, overwrite)
        elif overwrite:
            raise UsageError("--overwrite goes with --out FILE.png: in a folder, paintings take new names")
        else:
            missing = tuple(folder for folder in (out, *out.parents) if not folder.exists())
            output = cls(out, stem, made=missing)
        check_writable(output.folder)
        return output

    def save(self, painting: "Painting") -> Path:
        """Writes `painting` under its name and returns the path.

        Raises:
            ImpastoError: the same as `Painting.save`.
        """
        if self.file is not None:
            return painting.save(self.file, overwrite=self.overwrite)
        while True:
            path = self.free_path()
            try:
                return painting.save(path)
            except UsageError:
                # Another command took the name between the check and the save.
                if not path.exists():
                    raise

    def tidy(self) -> None:
        """Removes the created folders that stayed empty."""
        for folder in self.made:
            try:
                folder.rmdir()
            except OSError:
                return

    def free_path(self, suffix: str = "") -> Path:
        """Returns `<stem><suffix>-<number>.png` with the number after the largest in use; creates the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = self.stem + suffix
        numbered = re.compile(re.escape(stem) + r"-([1-9]\d{0,8})\.png", re.IGNORECASE)
        names = (numbered.fullmatch(file.name) for file in self.folder.iterdir())
        number = 1 + max((int(name.group(1)) for name in names if name), default=0)
        return self.folder / f"{stem}-{number}.png"

"""Output files of paintings: names from the prompt, no replaced files, and a write test before the work starts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import UsageError
from impasto.jobs.disk import check_writable

if TYPE_CHECKING:
    from impasto.painting.painting import Painting
    from impasto.painting.provenance.record import Provenance



@dataclass(frozen=True)
class Output:
    """The output location of the paintings of one command.

    Attributes:
        folder: the folder of the paintings; it is created when the first one is finished.
        stem: the file names are `<stem>-<number>.png`, with the numbers that follow those in use.
        file: the full path of a single painting, instead of a numbered name.
        overwrite: whether `file` may replace an existing file.
        made: the folders that did not exist before, innermost first.
        stem_of: for a series, the stem of each painting's file by its record; None for `stem`.
    """

    folder: Path
    stem: str
    file: Path | None = None
    overwrite: bool = False
    made: tuple[Path, ...] = ()
    stem_of: "Callable[[Provenance], str] | None" = None

    @classmethod
    def at(cls, out: Path, stem: str, count: int, overwrite: bool) -> "Output":
        """Returns the output for `--out`: one file if it ends in .png, otherwise a folder.

        Raises:
            UsageError: one file is given for several paintings, the file exists, or its folder does not exist.
            ImpastoError: the location cannot be written.
        """
        if out.suffix.lower() == ".png" and not out.is_dir():
            if count > 1:
                raise UsageError(f"--out {out} names one picture, but {count} are to be painted: give a folder")
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
        stem = self.stem if self.stem_of is None else self.stem_of(painting.provenance)
        return self._save_numbered(painting, stem)

    def save_beside(self, painting: "Painting", kept: Path, rank: int) -> Path:
        """Writes a painting that was ranked below the one in `kept`, as `<its name>-rank-<rank>.png`, and returns the path.

        Raises:
            ImpastoError: the same as `Painting.save`.
        """
        path = kept.with_name(f"{kept.stem}-rank-{rank}.png")
        return self._save_numbered(painting, path.stem) if path.exists() else painting.save(path)

    def _save_numbered(self, painting: "Painting", stem: str) -> Path:
        while True:
            path = self.free_path(stem=stem)
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

    def free_path(self, suffix: str = "", *, stem: str | None = None) -> Path:
        """Returns `<stem><suffix>-<number>.png` with the number after the largest in use; creates the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = (self.stem if stem is None else stem) + suffix
        numbered = re.compile(re.escape(stem) + r"-([1-9]\d{0,8})\.png", re.IGNORECASE)
        names = (numbered.fullmatch(file.name) for file in self.folder.iterdir())
        number = 1 + max((int(name.group(1)) for name in names if name), default=0)
        return self.folder / f"{stem}-{number}.png"

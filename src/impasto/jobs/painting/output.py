"""Where paintings go: names made from the prompt, no file replaced, no work for a disk that refuses."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError, UsageError

if TYPE_CHECKING:
    from impasto.painting.painting import Painting

# Enough to notice a full disk or a quota, and about what a painting of 128 px takes.
_PROBE = bytes(64 << 10)


@dataclass(frozen=True)
class Output:
    """Where the paintings of one command go.

    Attributes:
        folder: the folder they lie in; it is made when the first one is finished.
        stem: their names are `<stem>-<number>.png`, with the numbers that follow those in use.
        file: the one painting's whole path, instead of a numbered name.
        overwrite: `file` may replace what is there.
        made: the folders that were not there yet, innermost first.
    """

    folder: Path
    stem: str
    file: Path | None = None
    overwrite: bool = False
    made: tuple[Path, ...] = ()

    @classmethod
    def at(cls, out: Path, stem: str, count: int, overwrite: bool) -> "Output":
        """The output that `--out` asks for: one file where it ends in .png, else a folder.

        Raises:
            UsageError: one file for several paintings, a file that is there already, or no folder for it.
            ImpastoError: the place cannot be written.
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
            ImpastoError: as `Painting.save`.
        """
        if self.file is not None:
            return painting.save(self.file, overwrite=self.overwrite)
        while True:
            path = self.free_path()
            try:
                return painting.save(path)
            except UsageError:
                # Another command took the name between the look and the save.
                if not path.exists():
                    raise

    def tidy(self) -> None:
        """Take back the folders that were made and stayed empty."""
        for folder in self.made:
            try:
                folder.rmdir()
            except OSError:
                return

    def free_path(self, suffix: str = "") -> Path:
        """`<stem><suffix>-<number>.png` with the number after the largest in use; makes the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = self.stem + suffix
        numbered = re.compile(re.escape(stem) + r"-([1-9]\d{0,8})\.png", re.IGNORECASE)
        names = (numbered.fullmatch(file.name) for file in self.folder.iterdir())
        number = 1 + max((int(name.group(1)) for name in names if name), default=0)
        return self.folder / f"{stem}-{number}.png"


def check_writable(folder: Path) -> None:
    """Make sure that `folder`, or the folder it will be made in, takes files; nothing stays behind.

    Raises:
        ImpastoError: it does not: not a folder, read-only, full.
    """
    import tempfile

    try:
        place = folder.absolute()
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            raise UsageError(f"cannot write to {folder}: {place} is not a folder")
        # Asking for permission is not enough: root has it on read-only file systems too.
        with tempfile.TemporaryFile(dir=place, buffering=0) as probe:
            left = memoryview(_PROBE)
            while left:  # the last bytes before a limit are taken without complaint
                left = left[probe.write(left) :]
    except OSError as error:
        raise ImpastoError(f"cannot write to {folder}: {error.strerror or error}") from None

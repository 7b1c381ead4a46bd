"""How fast catalogues are made, each part beside a peer in the same run: `python benchmarks/data.py --pictures DIR`.

Each part prints one line a measurement: what, per second, and the ratio to its peer. `--only import` runs one part.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import imagehash
from PIL import Image

from impasto.data.importing.folder import FolderSource
from impasto.data.importing.importer import ImportChoices, import_pictures
from impasto.data.metadata import PICTURE_SUFFIXES


@dataclass(frozen=True)
class Workload:
    """What a part is run on."""

    folder: Path
    pictures: Sequence[Path]


def compare(part: str, count: int, ours: float, peer_name: str, peer: float) -> None:
    """One line: pictures per second of ours and the peer's (seconds given), and how many times faster ours is."""
    print(f"{part}: {count / ours:.1f} pictures/s, {peer_name}: {count / peer:.1f} pictures/s, ratio {peer / ours:.2f}")


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def plain_loop(pictures: Sequence[Path]) -> None:
    """What one writes first: open each, hash it, compare with all before by a dictionary of equal hashes."""
    seen: dict[str, Path] = {}
    for file in pictures:
        with Image.open(file) as image:
            seen.setdefault(str(imagehash.phash(image.convert("RGB"))), file)


def measure_import(work: Workload) -> None:
    """Import (decode, hash, near duplicates, files, rows) beside a single process with Pillow and imagehash."""
    choices = ImportChoices()
    for turn in range(2):  # the first warms the file system's cache
        peer = seconds(partial(plain_loop, work.pictures))
        with tempfile.TemporaryDirectory() as out:
            ours = seconds(partial(import_pictures, FolderSource(work.folder), Path(out) / "catalogue", choices))
        if turn:
            compare("import", len(work.pictures), ours, "plain loop", peer)


PARTS: dict[str, Callable[[Workload], None]] = {"import": measure_import}


def main() -> None:
    """Runs the parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True, help="a folder of pictures, with or without metadata")
    parser.add_argument("--only", choices=PARTS, help="run this part alone")
    options = parser.parse_args()
    pictures = sorted(path for path in options.pictures.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    if not pictures:
        parser.error(f"{options.pictures} holds no picture")
    work = Workload(options.pictures, pictures)
    for name in [options.only] if options.only else PARTS:
        PARTS[name](work)


if __name__ == "__main__":
    main()

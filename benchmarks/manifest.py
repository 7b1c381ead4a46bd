"""Writes and reads the manifest of many pictures in shards of 1,000: CPU time of a row, peak memory, bytes of a row.

    python benchmarks/manifest.py --rows 1000000

Each of the three parts runs in a process of its own: writing rows, reading rows, reading rows as entries of a catalogue. The
manifest is all there is: no shard is made, and no picture is read.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from impasto.data.catalogue.entry import CatalogueReport
from impasto.data.shards.manifest import Manifest, ManifestWriter, ShardFile
from impasto.data.shards.member import MemberPlace
from impasto.data.shards.rows import ManifestRow

SHARD = 1000
PARTS = ("write", "rows", "entries")


def row(number: int) -> ManifestRow:
    """The row of a picture, with columns as those of WikiArt."""
    content = f"{number * 2654435761 % 2**256:064x}"
    place = MemberPlace("/shards", f"{number // SHARD:06}.tar", 1536 * (number % SHARD), 1000, content, 640, 480)
    told = {
        "artist": f"Artist {number % 997}", "title": f"Work {number}", "year": 1500 + number % 500, "genre": "landscape",
        "style": "Impressionism", "text": f"a field with {number % 1000} trees", "tags": ["field", "tree"], "source": "here",
    }  # fmt: skip
    return ManifestRow(f"{number:08}.jpg", place, f"artist-{number % 997}/work-{number}.jpg", told)


def run(part: str, rows: int, file: Path) -> None:
    """Does one part and prints its figures."""
    began = time.process_time()
    if part == "write":
        with file.open("wb") as opened, ManifestWriter(opened) as writer:
            for number in range(rows):
                writer.add(row(number))
            writer.finish([ShardFile(f"{n:06}.tar", 2_000_000, SHARD) for n in range(-(-rows // SHARD))])
    else:
        report = CatalogueReport()
        with file.open("rb") as opened:
            count = 0
            for found in Manifest(opened, str(file), "/shards").rows():
                count += part == "rows" or found.entry(report) is not None
        if count != rows:
            raise SystemExit(f"{count} rows of {rows}")
    spent, peak = (time.process_time() - began) / rows * 1e6, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = file.stat().st_size / rows
    print(f"{rows:,} {part}: {spent:.1f} µs of CPU a row, peak {peak:.0f} MiB, {size:.0f} bytes a row", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part is not None:
        run(options.part, options.rows, options.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            asked = ["--rows", str(options.rows), "--part", part, "--file", f"{folder}/manifest.parquet"]
            subprocess.run([sys.executable, __file__, *asked], check=True)


if __name__ == "__main__":
    main()

"""What the fleet costs: a driver's time and memory for long catalogues, and the overhead against the best local run.

    python benchmarks/fleet.py rows --most 10000000 --plot docs/fleet.png   # a manifest, and units that do nothing
    python benchmarks/fleet.py overhead --caption 500 --paint 64            # the same commands, here and on two workers

`rows` counts the driver's processor time and its largest resident memory: both are its own, whatever else the machine does.
`overhead` gives seconds of the clock, which mean something on an idle machine only, and processor seconds of all processes.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from impasto.fleet.driver import RaySpread
from impasto.fleet.place import Place
from impasto.fleet.session import ray_session
from impasto.spreading import Unit, unit_key

UNIT = 64  # rows, as of captions and vectors


@dataclass(frozen=True)
class Nothing:
    """Gives each row an empty annotation: what remains is the fleet's own work."""

    gpus = 0.0
    name = "nothing"

    def do(self, payload: list[str], halvings: int) -> bytes:
        """Returns a line of JSON for each row."""
        return "".join(f'{{"content": "{content}"}}\n' for content in payload).encode()


def write_manifest(file: Path, rows: int) -> None:
    """Writes a manifest: the hash of a picture's content on each line."""
    with file.open("w") as to:
        for start in range(0, rows, 10_000):
            to.writelines(f"{sha256(str(n).encode()).hexdigest()}\n" for n in range(start, min(rows, start + 10_000)))


def units(file: Path) -> Iterator[Unit]:
    """Reads the manifest as it is needed."""
    number, rows = 0, []
    with file.open() as lines:
        for line in lines:
            rows.append(line.strip())
            if len(rows) == UNIT:
                yield Unit(number, unit_key(*rows), rows, len(rows))
                number, rows = number + 1, []
    if rows:
        yield Unit(number, unit_key(*rows), rows, len(rows))


def measure(rows: int) -> dict[str, float]:
    """Annotates so many rows and returns the driver's figures; in a process of its own, for its memory."""
    with tempfile.TemporaryDirectory() as folder:
        manifest, table = Path(folder) / "manifest.txt", Path(folder) / "table.jsonl"
        write_manifest(manifest, rows)
        place = Place("", workers=2)
        with ray_session(place) as ray, table.open("wb") as to:
            spread = RaySpread(ray, place)
            list(spread.map(Nothing(), [Unit(0, "", [])]))  # the workers are there
            cpu, clock = time.process_time(), time.monotonic()
            for done in spread.map(Nothing(), units(manifest), rows=rows, place=Path(folder) / "place"):
                to.write(done.value())
            seconds = {"cpu": time.process_time() - cpu, "clock": time.monotonic() - clock}
            spread.end()
        with table.open("rb") as lines:
            written = sum(1 for _ in lines)
        assert written == rows, f"{written} of {rows} rows"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": rows, **seconds, "us_a_row": 1e6 * seconds["cpu"] / rows, "peak_mib": peak}


def rows_of(most: int, plot: Path | None) -> None:
    """Measures 10^4 rows, 10^5, ... up to `most`, prints the table, and draws it."""
    found = []
    rows = 10_000
    while rows <= most:
        done = subprocess.run([sys.executable, __file__, "one", str(rows)], stdout=subprocess.PIPE, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
        one = found[-1]
        print(
            f"{rows:>12,} rows  {one['cpu']:9.2f} s of the driver's processor time  {one['us_a_row']:6.2f} us a row  "
            f"{one['clock']:9.1f} s of the clock  {one['peak_mib']:7.0f} MiB",
            flush=True,
        )
        rows *= 10
    if plot is not None:
        draw(found, plot)


def draw(found: list[dict[str, Any]], file: Path) -> None:
    """Draws processor time and memory against rows."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.4), constrained_layout=True)
    rows = [one["rows"] for one in found]
    left.loglog(rows, [one["cpu"] for one in found], "o-", color="#1f5a7a")
    left.loglog(rows, [30e-6 * one for one in rows], "--", color="#999999")
    left.annotate("30 us a row", (rows[-1], 30e-6 * rows[-1]), ha="right", va="bottom", color="#777777")
    left.set(xlabel="rows", ylabel="driver's processor time, s")
    right.semilogx(rows, [one["peak_mib"] for one in found], "o-", color="#a4502a")
    right.set(xlabel="rows", ylabel="driver's largest memory, MiB", ylim=(0, None))
    figure.savefig(file, dpi=110)


def catalogue_of(folder: Path, count: int) -> None:
    """Draws a catalogue of noise in many colours."""
    import numpy as np
    from PIL import Image

    folder.mkdir()
    draws = np.random.default_rng(0)
    for number in range(count):
        noise = draws.integers(0, 80, (12, 12, 3)) + draws.integers(0, 170, 3)
        Image.fromarray(noise.astype(np.uint8)).resize((256, 256)).save(folder / f"{number:05}.jpg", quality=90)


def timed(words: list[str], cache: Path) -> tuple[float, float]:
    """Runs `impasto WORDS` with a cache of its own; returns seconds of the clock and of all its processes' processors."""
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "impasto", *words], check=True, stdout=subprocess.DEVNULL,
        env=os.environ | {"IMPASTO_CACHE": str(cache)},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start() -> float:
    """Returns the seconds of the clock in which a Ray of this machine starts and ends, without a job and workers."""
    began = time.monotonic()
    with ray_session(Place("", workers=2)):
        pass
    return time.monotonic() - began


def made(folder: Path) -> dict[str, bytes]:
    """The files of a run that must be the same."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def overhead(caption: int, paint: int, repeats: int) -> None:
    """Prints the best of several local runs and of several runs on two workers, and their ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, __file__, "start"]
        started = min(float(subprocess.check_output(command, text=True)) for _ in range(repeats))
        print(f"Ray starts and ends in {started:.1f} s of the clock", flush=True)
        catalogue_of(folder / "pictures", caption)
        for what, count in (("caption", caption), ("paint", paint)):
            best: dict[str, float] = {}
            for turn in range(repeats):
                for how, on in (("here", []), ("ray", ["--on", "ray", "--workers", "2"])):
                    out = folder / f"{what}-{how}-{turn}"
                    if what == "caption":
                        shutil.copytree(folder / "pictures", out)
                        words = ["data", "caption", str(out), *on]
                    else:
                        words = ["paint", "boats at sunset", "--count", str(count), "--seed", "1", "--out", str(out), *on]
                    clock, cpu = timed(words, folder / f"cache-{what}-{how}-{turn}")
                    best[how] = min(clock, best.get(how, clock))
                    print(f"{what} {count}, {how}: {clock:.1f} s of the clock, {cpu:.1f} s of processors", flush=True)
            files = {how: made(folder / f"{what}-{how}-0") for how in ("here", "ray")}
            same = sum(files["ray"].get(file) == data for file, data in files["here"].items())
            print(
                f"{what} {count}: {(best['ray'] - started) / best['here']:.2f} times the best local time, "
                f"{best['ray'] / best['here']:.2f} with the start of Ray; {same} of {len(files['here'])} files are the same",
                flush=True,
            )


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("one")
    one.add_argument("rows", type=int)
    many = verbs.add_parser("rows")
    many.add_argument("--most", type=int, default=10_000_000)
    many.add_argument("--plot", type=Path)
    verbs.add_parser("start")
    against = verbs.add_parser("overhead")
    against.add_argument("--caption", type=int, default=500)
    against.add_argument("--paint", type=int, default=64)
    against.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    if given.verb == "one":
        print(json.dumps(measure(given.rows)))
    elif given.verb == "start":
        print(start())
    elif given.verb == "rows":
        rows_of(given.most, given.plot)
    else:
        overhead(given.caption, given.paint, given.repeats)


if __name__ == "__main__":
    main()

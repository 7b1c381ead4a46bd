"""A cold `impasto paint`: a new process paints one picture of pocket, first with an empty cache and then again.

Seconds by the clock, and CPU seconds of all threads, which other load changes less; and what importing the painter takes
of them. The system's own cache of files stays as it is.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from impasto.painting.engines.record import ENGINES

PAINT = ["-m", "impasto", "paint", "boats at sunset", "--artist", "Claude Monet", "--seed", "1"]
IMPORT = [
    "-c",
    "from impasto.checkpoints.light_diffusers import import_diffusers_lightly as lightly; from impasto.settings import"
    " hide_bitsandbytes as hide; hide(); lightly(); import impasto.painting.painter",
]


def timed(words: list[str], cache: Path, threads: int | None) -> tuple[float, float]:
    """Seconds by the clock and CPU seconds of `python` with these words."""
    environment = {**os.environ, "IMPASTO_CACHE": str(cache)}
    if threads:
        environment["OMP_NUM_THREADS"] = str(threads)
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True)
    took, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode:
        sys.exit(ran.stderr.strip() or f"it ended with {ran.returncode}")
    return took, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=ENGINES, default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--repeats", type=int, default=3, help="after the first")
    chosen = parser.parse_args()
    if chosen.repeats < 1:
        parser.error("at least one repeat")
    print(f"impasto paint --engine {chosen.engine} --precision {chosen.precision}, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        how = ["--engine", chosen.engine, "--precision", chosen.precision]
        words = [*PAINT, *how, "--out", f"{folder}/a.png", "--overwrite"]
        runs = [timed(words, Path(folder) / "cache", chosen.threads) for _ in range(1 + chosen.repeats)]
        imported = timed(IMPORT, Path(folder) / "cache", chosen.threads)
    print(f"  the first time       {runs[0][0]:6.2f} s  {runs[0][1]:6.2f} CPU s")
    took, used = (statistics.median(column) for column in zip(*runs[1:], strict=True))
    print(f"  then (median of {chosen.repeats})   {took:6.2f} s  {used:6.2f} CPU s")
    print(f"  importing alone      {imported[0]:6.2f} s  {imported[1]:6.2f} CPU s")


if __name__ == "__main__":
    main()

"""Captions a catalogue on a cluster of three nodes in this machine while things are killed, in many random schedules.

    python benchmarks/fleet_kills.py --schedules 20 --pictures 360

In every schedule five workers get SIGKILL, a node that had come is lost, and the driver gets SIGKILL, once or twice, and is
started again, each at a number of rows drawn by chance. In the end the log of captions must have the same bytes as that of a
run in this process: every row once, none lost, in its place. It prints one line for each schedule, and fails with the first
that differs, or takes more than --limit seconds. `--first N` goes on with schedule N.
"""

import argparse
import faulthandler
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the tests' cluster and light models
from tests.fleet.small_cluster import SETTINGS, SmallCluster  # noqa: E402

CHUNK = 4
SECONDS = 0.1  # a picture takes at least


def work() -> Any:
    """Returns the captioning of the tests: brightness, the nearest of three colours, and a seed."""
    from tests.fleet.works import ColourModels

    from impasto.data.annotations.caption_work import CaptionWork
    from impasto.data.annotations.tag_vocabulary import Tag

    return CaptionWork(ColourModels(SECONDS), (Tag("red"), Tag("green"), Tag("blue")), 2, 5)


def caption(folder: Path, spread: Any) -> None:
    """Captions the catalogue."""
    from impasto.data.annotations import captioning
    from impasto.data.annotations.caption_work import names_of

    captioning.CHUNK = CHUNK
    made = work()
    captioning.write_captions(folder, made, names_of(made, spread), captioning.Asked(), spread=spread)


def drive(address: str, folder: Path) -> None:
    """Is the driver: connects, captions, and ends."""
    faulthandler.register(signal.SIGUSR1)
    import ray

    from impasto.fleet.driver import RaySpread
    from impasto.fleet.place import Place
    from impasto.fleet.session import silence

    ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    silence(ray)
    spread = RaySpread(ray, Place("", 3))
    caption(folder, spread)
    spread.end()


def rows_in(folder: Path) -> int:
    """How many captions are in the log."""
    log = folder / "annotations" / "captions.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def schedule(number: int, cluster: SmallCluster, folder: Path, pictures: int, limit: float) -> str:
    """Runs one schedule and returns what was killed.

    Raises:
        SystemExit: the driver failed, or did not end in `limit` seconds; where it stood is printed.
    """
    draw, node = random.Random(number), cluster.add_node()
    drivers = draw.choice((1, 2))
    until = time.monotonic() + limit
    # What happens as soon as so many rows are in the log and a moment more has passed; some at once, some at the start.
    due = [(draw.randint(0, pictures // 2), what) for what in ("worker",) * 5 + ("driver",) * drivers + ("node",)]
    due.sort(reverse=True)
    driver: subprocess.Popen[bytes] | None = None
    while driver is None or driver.poll() != 0:
        if driver is None:
            driver = subprocess.Popen([sys.executable, __file__, "--drive", cluster.address, str(folder)])
        elif driver.poll() not in (None, -signal.SIGKILL):
            raise SystemExit(f"schedule {number}: the driver failed with {driver.returncode}")
        elif driver.poll() is not None:
            driver = None
            continue
        if time.monotonic() > until:
            driver.send_signal(signal.SIGUSR1)  # it prints where it stands
            time.sleep(2)
            driver.kill()
            raise SystemExit(f"schedule {number}: {rows_in(folder)} of {pictures} rows after {limit:g} s; to come: {due}")
        time.sleep(0.01)
        if not due or rows_in(folder) < due[-1][0]:
            continue
        if due[-1][1] == "worker" and not cluster.workers():
            continue
        time.sleep(draw.uniform(0, 0.5))
        _, what = due.pop()
        if what == "driver":
            driver.kill()
            driver.wait()
        elif what == "node":
            cluster.lose(node)
        elif there := cluster.workers():
            with suppress(ProcessLookupError):
                os.kill(draw.choice(there), signal.SIGKILL)
        else:
            due.append((0, what))  # it ended in that moment: another one
    if due:
        raise SystemExit(f"schedule {number}: it ended before all was killed: give more --pictures")
    return f"5 workers, {drivers} driver{'s' if drivers > 1 else ''} and a node killed"


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=20)
    parser.add_argument("--pictures", type=int, default=360)
    parser.add_argument("--first", type=int, default=0, help="the number of the first schedule")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds of a schedule at most")
    parser.add_argument("--drive", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ |= SETTINGS
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    if given.drive:
        drive(given.drive[0], Path(given.drive[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        os.environ["IMPASTO_CACHE"] = f"{name}/cache"
        run_all(Path(name), given.first, given.schedules, given.pictures, given.limit)


def run_all(folder: Path, first: int, schedules: int, pictures: int, limit: float) -> None:
    """Runs the schedules on one cluster."""
    from benchmarks.fleet import catalogue_of

    from impasto.spreading import HERE

    same: Callable[[Path], bytes] = lambda place: (place / "annotations" / "captions.jsonl").read_bytes()  # noqa: E731
    catalogue_of(folder / "here", pictures)
    shutil.copytree(folder / "here", folder / "whole")
    caption(folder / "here", HERE)
    cluster = SmallCluster()
    try:
        cluster.add_node()
        for number in range(first, first + schedules):
            there = Path(shutil.copytree(folder / "whole", folder / f"there-{number}"))
            begun = time.monotonic()
            told = schedule(number, cluster, there, pictures, limit)
            if same(there) != same(folder / "here"):
                raise SystemExit(f"schedule {number}: the captions differ from those of the run in one process ({told})")
            print(f"schedule {number}: {pictures} rows, each once; {told}; {time.monotonic() - begun:.0f} s", flush=True)
            shutil.rmtree(there)
    finally:
        cluster.end()


if __name__ == "__main__":
    main()

"""Captions a catalogue on a cluster of three nodes in this machine while things are killed, in many random schedules.

    python benchmarks/fleet_kills.py --schedules 20 --pictures 240

In every schedule five workers get SIGKILL, a node comes and goes in the middle, and the driver gets SIGKILL, twice,
and is started again. In the end the log of captions must have the same bytes as that of a run in this process: every row
once, none lost, in its place. It prints one line for each schedule, and fails with the first that differs.
"""

import argparse
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from impasto.fleet.guard import processes_in

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the tests' light models
CHUNK = 4
SECONDS = 0.02  # a chunk takes at least
_SETTINGS = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled",
    "RAY_worker_niceness": "0",
    "RAY_health_check_period_ms": "500", "RAY_health_check_failure_threshold": "3",
}  # fmt: skip
SMALL = {"num_cpus": 1, "object_store_memory": 80 << 20}


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
    import ray

    from impasto.fleet.driver import RaySpread
    from impasto.fleet.place import Place

    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    spread = RaySpread(ray, Place("", 3))
    caption(folder, spread)
    spread.end()
    print(spread.tally.count.lost_workers, flush=True)


def workers(session: str) -> list[int]:
    """The processes of the fleet's actors of this Ray session, and of no other one."""
    found = []
    for pid in processes_in(session, {os.getpid()}):
        with suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::UnitActor"):
                found.append(pid)
    return found


def rows_in(folder: Path) -> int:
    """How many captions are in the log."""
    log = folder / "annotations" / "captions.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def schedule(number: int, cluster: Any, folder: Path, pictures: int) -> str:
    """Runs one schedule and returns what was killed."""
    draw, kills, done = random.Random(number), {"workers": 0, "drivers": 0}, threading.Event()
    node = cluster.add_node(**SMALL)

    def kill_workers() -> None:
        while kills["workers"] < 5 and not done.is_set():
            done.wait(draw.uniform(0.1, 1.0))
            if (there := workers(cluster.head_node.get_session_dir_path())) and not done.is_set():
                try:
                    os.kill(draw.choice(there), signal.SIGKILL)
                    kills["workers"] += 1
                except ProcessLookupError:
                    pass

    killing = threading.Thread(target=kill_workers)
    killing.start()
    lose_node = draw.randint(pictures // 5, pictures // 2)
    driver_dies = sorted(draw.randint(1, pictures - CHUNK) for _ in range(2))
    while True:
        driver = subprocess.Popen(
            [sys.executable, __file__, "--drive", cluster.address, str(folder)], stdout=subprocess.PIPE, text=True
        )
        while driver.poll() is None:
            rows = rows_in(folder)
            if node is not None and rows >= lose_node:
                cluster.remove_node(node)
                node = None
            if driver_dies and rows >= driver_dies[0]:
                driver_dies.pop(0)
                driver.kill()
                kills["drivers"] += 1
                break
            time.sleep(0.01)
        driver.communicate()
        if driver.returncode == 0:
            break
        if driver.returncode != -signal.SIGKILL:
            raise SystemExit(f"schedule {number}: the driver failed with {driver.returncode}")
    done.set()
    killing.join()
    if node is not None:
        cluster.remove_node(node)
    return f"{kills['workers']} workers and {kills['drivers']} drivers killed, a node lost"


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=20)
    parser.add_argument("--pictures", type=int, default=240)
    parser.add_argument("--first", type=int, default=0, help="the number of the first schedule")
    parser.add_argument("--drive", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ |= _SETTINGS
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    if given.drive:
        drive(given.drive[0], Path(given.drive[1]))
        return
    logging.getLogger("ray").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as name:
        os.environ["IMPASTO_CACHE"] = f"{name}/cache"
        run_all(Path(name), given.first, given.schedules, given.pictures)


def run_all(folder: Path, first: int, schedules: int, pictures: int) -> None:
    """Runs the schedules on one cluster."""
    from benchmarks.fleet import catalogue_of
    from ray.cluster_utils import Cluster

    from impasto.spreading import HERE

    same: Callable[[Path], bytes] = lambda place: (place / "annotations" / "captions.jsonl").read_bytes()  # noqa: E731
    catalogue_of(folder / "here", pictures)
    shutil.copytree(folder / "here", folder / "whole")
    caption(folder / "here", HERE)
    cluster = Cluster(initialize_head=True, head_node_args={**SMALL, "include_dashboard": False})
    try:
        cluster.add_node(**SMALL)
        for number in range(first, first + schedules):
            there = Path(shutil.copytree(folder / "whole", folder / f"there-{number}"))
            begun = time.monotonic()
            told = schedule(number, cluster, there, pictures)
            if same(there) != same(folder / "here"):
                raise SystemExit(f"schedule {number}: the captions differ from those of the run in one process ({told})")
            print(f"schedule {number}: {pictures} rows, each once; {told}; {time.monotonic() - begun:.0f} s", flush=True)
            shutil.rmtree(there)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()

"""A driver that is killed leaves no process behind, and the next one goes on where it was."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.fleet.driver_child import COUNT, WAITING
from tests.fleet.works import Doubling, marks, units

from impasto.fleet.driver import RaySpread

ROOT = Path(__file__).parents[2]


def descendants(pid: int) -> set[int]:
    """The processes that a process started, and those that they started."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


def listening(pids: set[int]) -> set[str]:
    """The addresses, as the kernel writes them, on which these processes listen for TCP."""
    inodes: set[str] = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                target = str(link.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in Path(table).read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1].partition(":")[0])
    return found


def is_alive(pid: int) -> bool:
    try:
        return (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]) != "Z"
    except OSError:
        return False


def start(folder: Path) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fleet.driver_child", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, cwd=folder, env=environment,
    )  # fmt: skip


def seen(driver: "subprocess.Popen[str]", number: int) -> None:
    """Reads the driver's results until this one."""
    assert driver.stdout is not None
    for line in driver.stdout:
        if int(line) == number:
            return
    raise AssertionError(f"it ended before: {driver.stderr.read() if driver.stderr else ''}")


def gone(pids: set[int]) -> bool:
    """Whether all these processes end soon."""
    until = time.monotonic() + 60
    while any(map(is_alive, pids)) and time.monotonic() < until:
        time.sleep(0.1)
    return not any(map(is_alive, pids))


def test_killed_and_stopped_drivers_leave_no_process_and_the_next_goes_on(tmp_path: Path, spread: RaySpread) -> None:
    folder = tmp_path / "marks"
    folder.mkdir()
    driver = start(tmp_path)
    seen(driver, 20)
    started = descendants(driver.pid)
    assert len(started) >= 4  # Ray's own processes and two workers
    # IPv4's loopback, also as IPv6 writes it: nothing listens to other machines.
    assert listening(started | {driver.pid}) <= {"0100007F", "0000000000000000FFFF00000100007F"}
    driver.kill()
    driver.communicate()
    assert gone(started)
    assert 20 < len(marks(folder)) <= 40 + 2  # two workers were at a unit that waits

    (tmp_path / "second").touch()
    driver = start(tmp_path)
    seen(driver, 49)
    started = descendants(driver.pid)
    driver.send_signal(signal.SIGINT)
    time.sleep(5)  # until a busy machine's driver has heard it: nothing new is begun then
    (tmp_path / "third").touch()  # the units in work are finished and kept
    out, err = driver.communicate(timeout=120)
    assert driver.returncode != 0 and gone(started)
    kept = marks(folder)

    work = Doubling(str(folder))
    done = list(spread.map(work, units(COUNT, WAITING), place=tmp_path / "place"))
    assert [(one.unit.number, one.value()) for one in done] == [(n, f"{2 * n}/0".encode()) for n in range(COUNT)]
    assert sorted(marks(folder)) == list(range(COUNT)) and max(marks(folder).values()) <= 2
    again = {n for n, times in marks(folder).items() if times > kept.get(n, 0)}
    assert again == set(range(COUNT)) - set(kept)  # what the stopped driver had in work was not lost
    assert not (tmp_path / "place").exists(), (out, err)

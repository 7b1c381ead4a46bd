"""A driver that is killed leaves no process behind, and the next one goes on where it was."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("ray")
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


def start(tmp_path: Path, seconds: float) -> "subprocess.Popen[str]":
    words = [str(tmp_path / "place"), str(tmp_path / "marks"), "60", str(seconds)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fleet.driver_child", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, cwd=tmp_path, env=environment,
    )  # fmt: skip


def test_a_killed_driver_leaves_no_process_and_the_next_goes_on(tmp_path: Path) -> None:
    (tmp_path / "marks").mkdir()
    driver = start(tmp_path, 0.1)
    assert driver.stdout is not None
    for line in driver.stdout:
        if int(line) == 20:
            break
    started = descendants(driver.pid)
    assert len(started) >= 4  # Ray's own processes and two workers
    # IPv4's loopback, also as IPv6 writes it: nothing listens to other machines.
    assert listening(started | {driver.pid}) <= {"0100007F", "0000000000000000FFFF00000100007F"}
    driver.kill()
    driver.communicate()
    until = time.monotonic() + 60
    while (left := [pid for pid in started if is_alive(pid)]) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left
    before = {int(file.name): file.stat().st_size for file in (tmp_path / "marks").iterdir()}
    assert 20 < len(before) < 60

    driver = start(tmp_path, 0.0)
    out, err = driver.communicate(timeout=300)
    assert driver.returncode == 0, err
    assert out.split() == [*(str(n) for n in range(60)), "end"] and not err
    again = {int(file.name): file.stat().st_size for file in (tmp_path / "marks").iterdir()}
    assert sorted(again) == list(range(60))
    repeated = [n for n, times in again.items() if times > 1]
    assert len(repeated) <= 2 * 2 * 16  # at most what was in flight: two workers, two batches each


def test_a_stopped_driver_ends_its_ray(tmp_path: Path) -> None:
    (tmp_path / "marks").mkdir()
    driver = start(tmp_path, 0.05)
    assert driver.stdout is not None
    for line in driver.stdout:
        if int(line) == 5:
            break
    started = descendants(driver.pid)
    driver.send_signal(signal.SIGINT)
    driver.communicate(timeout=120)
    assert driver.returncode != 0
    until = time.monotonic() + 30
    while (left := [pid for pid in started if is_alive(pid)]) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left

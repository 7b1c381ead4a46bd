"""A process that outlives the driver by a moment: it ends what a killed driver leaves of its Ray.

Ray's servers ask the kernel to die with their parent, but two of its agents go on looking for them for minutes. All
processes of a session write their logs into its folder, so they are found by their open files, whoever started them. It is
run as a file, in a session of its own, and imports nothing of ours: it must start quickly. Its stdin is a pipe from the
driver: a line with the session's folder, and, when the driver has ended however it did, the end of the file.
"""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

_ROUNDS, _SECONDS = 20, 0.1


def processes_in(folder: str, spared: set[int]) -> list[int]:
    """Returns the processes of this user, but those that are `spared`, that have a file in `folder` open."""
    found, processes = [], Path("/proc")
    for entry in processes.iterdir() if processes.is_dir() else ():
        if entry.name.isdigit() and int(entry.name) not in spared:
            with suppress(OSError):
                if any(str(one.readlink()).startswith(folder) for one in (entry / "fd").iterdir()):
                    found.append(int(entry.name))
    return found


def end_processes(folder: str, spared: set[int]) -> None:
    """Kills the processes of `processes_in`, until there is none or for two seconds."""
    for _ in range(_ROUNDS):
        left = processes_in(f"{folder}/", spared)
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            return
        time.sleep(_SECONDS)


def main() -> None:
    """Waits for the end of the driver, then kills what is left, and removes the folder."""
    spared = {os.getpid(), os.getppid()}  # the driver may live on, with its own log open
    folder = os.fsdecode(sys.stdin.buffer.readline().strip())
    sys.stdin.buffer.read()
    if folder:
        end_processes(folder, spared)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

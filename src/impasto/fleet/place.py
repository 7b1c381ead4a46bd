"""What `--on` says: where the workers are, and what each of them gets."""

import os
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from impasto.errors import MissingPart, UsageError
from impasto.settings import cores

LOCAL, SCHEME = "ray", "ray://"
_INSTALL = "pip install 'impasto[fleet]'"
_BYTES_PER_WORKER = 2 << 30  # of this machine's memory: pocket with its captioner takes 1.3 GB


@dataclass(frozen=True)
class Place:
    """Where a job's units are done.

    Attributes:
        address: "ray://host:port" of a cluster; "" for a Ray of this machine that is started for the job.
        workers: how many; 0 for as many as there are cores and GPUs for, on this machine no more than memory for 2 GiB each.
        cores: of each worker, whose threads are as many.
        gpus: of each worker; None for what the work asks for.
    """

    address: str = ""
    workers: int = 0
    cores: int = 1
    gpus: float | None = None

    @classmethod
    def read(cls, text: str, *, workers: int | None = None, cores: int = 1, gpus: float | None = None) -> "Place":
        """Reads `--on`: "ray" or "ray://host:port".

        Raises:
            UsageError: the text or a number is invalid. MissingPart: Ray is not installed.
        """
        found = re.fullmatch(r"ray://[^/\s:]+:(\d{1,5})", text)
        if text != LOCAL and (found is None or not 1 <= int(found[1]) <= 65535):
            raise UsageError(f"--on {text!r}: use ray (this machine) or ray://HOST:PORT (a cluster, usually port 10001)")
        if workers is not None and workers < 1:
            raise UsageError(f"--workers {workers}: use 1 or more")
        if cores < 1:
            raise UsageError(f"--cores-per-worker {cores}: use 1 or more")
        if gpus is not None and not 0 <= gpus <= 64:
            raise UsageError(f"--gpus-per-run {gpus:g}: use 0 to 64")
        if find_spec("ray") is None:
            raise MissingPart(f"--on {text} needs Ray: {_INSTALL}, or leave --on out to work in this process")
        if text != LOCAL and find_spec("grpc") is None:
            raise MissingPart(f"--on {text} needs Ray's client: {_INSTALL}")
        return cls("" if text == LOCAL else text, workers or 0, cores, gpus)

    @property
    def name(self) -> str:
        """The place in words, as `--on` takes it."""
        return self.address or LOCAL

    def words(self) -> list[str]:
        """Returns the options of the command line that `read` makes this place of."""
        told = ["--on", self.name, "--cores-per-worker", str(self.cores)]
        told += ["--workers", str(self.workers)] if self.workers else []
        return [*told, "--gpus-per-run", f"{self.gpus:g}"] if self.gpus is not None else told

    def workers_here(self) -> int:
        """Returns how many workers a Ray of this machine has."""
        return self.workers or max(1, min(cores() // self.cores, _free_memory() // _BYTES_PER_WORKER))


def _free_memory() -> int:
    """Bytes that programs may still take: what Linux says of it, else all of the machine's."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

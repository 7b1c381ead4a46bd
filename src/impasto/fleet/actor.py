"""What runs on a worker: an actor that keeps each work with its loaded models, and does batches of units.

An error that the user can act on comes back as a value; only the death of the process is an error of Ray's.
"""

import os
import pickle
import sys
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.spreading import Work

_KEPT = 3  # works whose models stay loaded
_ERRORS: dict[str, type[ImpastoError]] = {one.__name__: one for one in (ImpastoError, MissingPart, UsageError)}
# Of the driver's environment, what changes results or where things are found.
ENVIRONMENT = ("IMPASTO_", "HF_", "TOKENIZERS_", "TRANSFORMERS_", "DIFFUSERS_", "TQDM_", "GOMP_")


@dataclass(frozen=True)
class Task:
    """A unit as it is sent to an actor: its number, its payload, and how often it had too little memory."""

    number: int
    payload: Any
    halvings: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of a unit: its result, or the kind and sentence of an error, or that the memory was too small."""

    number: int
    result: bytes = b""
    kind: str = ""
    sentence: str = ""
    lacked_memory: bool = False

    @property
    def error(self) -> ImpastoError | None:
        """The error, if the unit failed."""
        return _ERRORS.get(self.kind, ImpastoError)(self.sentence) if self.kind else None


@dataclass(frozen=True)
class Reply:
    """What an actor answers to a batch: its process, the outcomes, and the seconds that it worked."""

    pid: int
    outcomes: tuple[Outcome, ...]
    seconds: float


class UnitActor:
    """Does units. It holds the last few works, each with what it loaded."""

    def __init__(self, cores: int, environment: Mapping[str, str], folder: str) -> None:
        """`cores` of the machine are this worker's, and as many threads; `environment`: of the driver's, `ENVIRONMENT`.

        `folder`: the driver's, in which relative paths begin, where this machine has it.
        """
        os.environ.update(environment)
        with suppress(OSError):
            os.chdir(folder)
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ[name] = str(cores)  # before torch is imported, which reads it once
        self._cores = cores
        self._works: OrderedDict[str, Work] = OrderedDict()

    def ping(self) -> int:
        """Returns the process's id, as soon as the actor is there."""
        return os.getpid()

    def do(self, name: str, pickled: Sequence[Any], tasks: Sequence[Task]) -> Reply:
        """Does the tasks of the work `name`; `pickled` holds the reference of its pickled bytes, which is read once."""
        started = time.monotonic()
        work = self._work(name, pickled)
        outcomes = []
        for task in tasks:
            outcome = done_unit(work, task)
            outcomes.append(outcome)
            if outcome.lacked_memory:
                break  # the others go back to the driver, who sends fewer
        return Reply(os.getpid(), tuple(outcomes), time.monotonic() - started)

    def _work(self, name: str, pickled: Sequence[Any]) -> Work:
        if name not in self._works:
            import ray

            self._works[name] = pickle.loads(ray.get(pickled[0]))
            if "torch" in sys.modules:  # the environment is for those that import it later
                sys.modules["torch"].set_num_threads(self._cores)
            while len(self._works) > _KEPT:
                self._works.popitem(last=False)
        self._works.move_to_end(name)
        return self._works[name]


def done_unit(work: Work, task: Task) -> Outcome:
    """Does one unit and returns what became of it; only an interrupt is raised."""
    try:
        return Outcome(task.number, work.do(task.payload, task.halvings))
    except Exception as error:
        if _is_memory(error):
            return Outcome(task.number, lacked_memory=True)
        if isinstance(error, ImpastoError):
            kind = next((one.__name__ for one in type(error).__mro__ if one.__name__ in _ERRORS), "ImpastoError")
            return Outcome(task.number, kind=kind, sentence=str(error))
        if isinstance(error, OSError) and error.strerror:
            told = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        else:
            told = f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:500]}"
        return Outcome(task.number, kind="ImpastoError", sentence=told)


def _is_memory(error: Exception) -> bool:
    told = str(error)
    words = ("out of memory", "can't allocate memory", "do not fit into memory")
    return isinstance(error, MemoryError) or any(one in told for one in words)

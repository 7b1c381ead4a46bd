"""A function over many inputs in several processes: results in order, few inputs waiting, no process left behind."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import TypeVar

from impasto.errors import ImpastoError

Input = TypeVar("Input")
Output = TypeVar("Output")
_WAITING = 3  # inputs for each process that are read ahead


def in_order(
    function: Callable[[Input], Output], inputs: Iterable[Input], workers: int | None = None
) -> Iterator[tuple[Input, Output]]:
    """(input, result) for all inputs, in their order, made by `workers` processes (None: as many as there are cores).

    At most a few inputs for each process are taken from `inputs` ahead of what was yielded.

    Raises:
        ImpastoError: a process was killed from outside, for instance for its memory.
    """
    count = workers if workers is not None else len(os.sched_getaffinity(0))
    if count <= 1:
        yield from ((one, function(one)) for one in inputs)
        return
    rest = iter(inputs)
    waiting: deque[tuple[Input, Future[Output]]] = deque()
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_begin_worker) as pool:
        try:
            while True:
                for one in islice(rest, _WAITING * count - len(waiting)):
                    waiting.append((one, pool.submit(function, one)))
                if not waiting:
                    return
                one, future = waiting.popleft()
                yield one, future.result()
        except BrokenProcessPool:
            raise ImpastoError("a worker process was killed, perhaps for its memory: use fewer --workers") from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin_worker() -> None:
    """Leaves Ctrl-C to the parent, and ends with it: a killed parent closes no queue, and workers would wait for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()

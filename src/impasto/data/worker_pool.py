"""Runs a function over many inputs in several processes.

Results come in order, few inputs are read ahead, and no process is left behind.
"""

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
_WAITING = 3  # inputs that are read ahead, per process


def in_order(
    function: Callable[[Input], Output], inputs: Iterable[Input], workers: int | None = None
) -> Iterator[tuple[Input, Output]]:
    """Yields (input, result) for all inputs, in their order, computed by `workers` processes (None: one per core).

    At most a few inputs per process are taken from `inputs` ahead of the results.

    Raises:
        ImpastoError: a process was killed from outside, for instance because of its memory use.
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
    """Leaves Ctrl-C to the parent process, and exits when the parent exits.

    A killed parent closes no queue, so the workers would otherwise wait for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()

"""Ctrl-C: it is never lost, and of a job whose work is spread the first asks it to stop, the second stops it."""

import signal
import sys
import threading
import time
from _thread import interrupt_main
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from impasto.cli.console import say_note

_AGAIN = 0.02  # seconds until a Ctrl-C that came within a finalizer is heard again
_ENOUGH = 2.0  # seconds; a finalizer that takes longer is interrupted
_FINALIZERS = ("multiprocessing/util.py", "weakref.py")  # whose __call__ clears what is left of an object


def hear_ctrl_c_everywhere() -> None:
    """Ctrl-C within a finalizer is heard after it.

    Python calls `__del__` and the callbacks of weak references anywhere in a program, and drops what they raise: a
    KeyboardInterrupt too, so that a command would run on, and leave half cleared what the finalizer clears.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # ignored, as in a shell's background, or another's

    first: list[float] = []  # when a Ctrl-C came that is still to be heard

    def hear(number: int, frame: FrameType | None) -> None:
        if _is_within_a_finalizer(frame):
            first.append(time.monotonic())
            if first[-1] - first[0] < _ENOUGH:
                _hear_again()
                return
        first.clear()
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, hear)
    before = sys.unraisablehook

    def look(dropped: "sys.UnraisableHookArgs") -> None:
        if dropped.exc_type is KeyboardInterrupt:
            _hear_again()
        else:
            before(dropped)

    sys.unraisablehook = look


def _is_within_a_finalizer(frame: FrameType | None) -> bool:
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__del__" or (code.co_name == "__call__" and code.co_filename.endswith(_FINALIZERS)):
            return True
        frame = frame.f_back
    return False


def _hear_again() -> None:
    again = threading.Timer(_AGAIN, _press)
    again.daemon = True
    again.start()


def _press() -> None:
    if hasattr(signal, "pthread_kill"):  # wakes the main thread where it waits
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        interrupt_main()


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Yields a function that tells whether Ctrl-C was pressed; pressed again, it raises KeyboardInterrupt as usual."""
    asked = threading.Event()

    def hear(number: int, frame: FrameType | None) -> None:
        del number, frame
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        say_note("stopping when the units in work are finished; Ctrl-C again stops at once")

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)

"""Ctrl-C is heard wherever it comes, in a finalizer too."""

import subprocess
import sys

import pytest

BEGIN = """
import multiprocessing.util, os, signal, sys, time, weakref
from impasto.cli import stopping
def press(*_):
    os.kill(os.getpid(), signal.SIGINT)
    print("cleared", flush=True)
class Thing:
    pass
class Ended:
    def __del__(self):
        press()
"""
WAIT = """
try:
    time.sleep(20)
    print("lost", flush=True)
except KeyboardInterrupt:
    print("heard", flush=True)
"""


def said_by(program: str) -> tuple[str, str]:
    command = ["env", "--default-signal=INT", sys.executable, "-c", BEGIN + program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stdout, done.stderr


@pytest.mark.parametrize(
    "finalizer",
    [
        "thing = Ended(); del thing",
        "thing = Thing(); multiprocessing.util.Finalize(thing, press); del thing",
        "thing = Thing(); weakref.finalize(thing, press); del thing",
    ],
)
def test_ctrl_c_within_a_finalizer(finalizer: str) -> None:
    listening = "stopping.hear_ctrl_c_everywhere()\n"
    assert said_by(listening + finalizer + WAIT) == ("cleared\nheard\n", "")
    out, err = said_by(finalizer + WAIT.replace("20", "0.1"))  # what Python does by itself
    assert out == "lost\n" and "Exception ignored in" in err


def test_ctrl_c_within_a_callback_of_a_weak_reference() -> None:
    program = "stopping.hear_ctrl_c_everywhere()\nthing = Thing(); held = weakref.ref(thing, press); del thing"
    out, err = said_by(program + WAIT)
    assert (out, err) == ("heard\n", "")


def test_a_finalizer_that_hangs_is_interrupted() -> None:
    program = (
        "stopping._ENOUGH = 0.2\nstopping.hear_ctrl_c_everywhere()\n"
        "def hang(): press(); time.sleep(20); print('lost', flush=True)\n"
        "thing = Thing(); weakref.finalize(thing, hang)\nbegun = time.monotonic()\ndel thing\n"
        "print(time.monotonic() - begun < 10)"
    )
    assert said_by(program + WAIT) == ("cleared\nTrue\nheard\n", "")


def test_ctrl_c_as_ever_elsewhere() -> None:
    program = "try:\n    press(); time.sleep(20)\nexcept KeyboardInterrupt: print('heard')"
    assert said_by("stopping.hear_ctrl_c_everywhere()\n" + program) == ("heard\n", "")


def test_other_errors_of_finalizers_are_told_as_before() -> None:
    program = (
        "stopping.hear_ctrl_c_everywhere()\nclass Bad:\n    def __del__(self): raise ValueError('why')\n"
        "thing = Bad(); del thing"
    )
    out, err = said_by(program)
    assert out == "" and "ValueError: why" in err


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    program = "signal.signal(signal.SIGINT, signal.SIG_IGN)\nstopping.hear_ctrl_c_everywhere()\npress()\ntime.sleep(0.1)"
    assert said_by(program) == ("cleared\n", "")

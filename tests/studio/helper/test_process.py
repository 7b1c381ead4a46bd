"""The helper's process answers one after the other, drops what a newer question replaces, and comes back when it died."""

import threading
from typing import Any

import pytest

from impasto.errors import ImpastoError
from impasto.jobs.painting.expand import ExpandJob
from impasto.studio.helper.process import Busy, Helper, Replaced

JOB = ExpandJob(prompt="boats")


class Slow(Helper):
    """A helper whose answers wait for `go`."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.begun = threading.Event(), threading.Event()

    def _answer(self, line: str) -> dict[str, Any]:
        self.begun.set()
        assert self.go.wait(10)
        return {"line": line}


def asked(helper: Helper, client: str) -> tuple[threading.Thread, list[Any]]:
    got: list[Any] = []

    def ask() -> None:
        try:
            got.append(helper.ask("expand", JOB, client=client))
        except ImpastoError as error:
            got.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, got


def waiting(helper: Helper, count: int) -> None:
    for _ in range(1000):
        if helper._waiting == count:
            return
        threading.Event().wait(0.005)
    raise AssertionError(f"{helper._waiting} wait, not {count}")


def test_a_newer_question_of_the_same_page_replaces_an_older_one_at_once():
    helper = Slow()
    first, answer = asked(helper, "a")
    assert helper.begun.wait(10)
    older, dropped = asked(helper, "a")
    waiting(helper, 1)
    other, others = asked(helper, "b")
    waiting(helper, 2)
    newer, kept = asked(helper, "a")
    older.join(10)  # it does not wait for the first one's answer
    assert isinstance(dropped[0], Replaced) and not answer
    helper.go.set()
    for thread in (first, other, newer):
        thread.join(10)
    assert "line" in answer[0] and "line" in kept[0] and "line" in others[0]


def test_no_more_wait_than_threads_can_bear():
    helper = Slow()
    threads = [asked(helper, "0")]
    assert helper.begun.wait(10)
    threads += [asked(helper, str(n)) for n in range(1, 9)]
    waiting(helper, 8)
    with pytest.raises(Busy):
        helper.ask("expand", JOB, client="one more")
    helper.go.set()
    for thread, _ in threads:
        thread.join(10)


def test_a_dead_process_is_said_and_started_again(monkeypatch):
    helper = Helper()
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(ImpastoError, match="try again"):
        helper.ask("expand", JOB)
    assert helper._process is None

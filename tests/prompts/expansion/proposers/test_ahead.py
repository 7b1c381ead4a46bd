"""Proposers in a thread of their own: what they write, that they begin at once, and what happens if they cannot."""

import threading
from collections.abc import Sequence

import pytest

from impasto.errors import MissingPart
from impasto.prompts.expansion.proposers import Candidate, discarded_by
from impasto.prompts.expansion.proposers.ahead import Ahead


class Writer:
    def __init__(self, name: str) -> None:
        self.name = name
        self.discarded: list[tuple[Candidate, str]] = []

    def propose(self, prompt: str, *, count: int, seed: int) -> Sequence[Candidate]:
        self.discarded = [(Candidate(f"{prompt} {seed}", self.name), "cut off")]
        return [Candidate(f"{prompt} {seed + number}", self.name) for number in range(count)]


def test_all_write_in_their_order_before_anybody_asks() -> None:
    begun = threading.Event()

    def load() -> list[Writer]:
        begun.set()
        return [Writer("a"), Writer("b")]

    ahead = Ahead(load, "boats", count=2, seed=7)
    assert begun.wait(10)
    found = ahead.propose("boats", count=2, seed=7)
    assert [(one.source, one.text) for one in found] == [
        ("a", "boats 7"), ("a", "boats 8"), ("b", "boats 7"), ("b", "boats 8")
    ]  # fmt: skip
    assert [one.source for one, _ in discarded_by(ahead)] == ["a", "b"]


def test_another_order_is_written_anew() -> None:
    ahead = Ahead(lambda: [Writer("a")], "boats", count=1, seed=7)
    assert [one.text for one in ahead.propose("boats", count=1, seed=107)] == ["boats 107"]
    assert [one.text for one, _ in discarded_by(ahead)] == ["boats 107"]


def test_a_missing_model_is_told_by_who_asks() -> None:
    def load() -> list[Writer]:
        raise MissingPart("no model")

    ahead = Ahead(load, "boats", count=1, seed=0)
    with pytest.raises(MissingPart, match="no model"):
        ahead.propose("boats", count=1, seed=0)

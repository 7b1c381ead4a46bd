"""The artist's own training pictures are called a floor only where no set of paintings is nearer."""

from types import SimpleNamespace
from typing import Any

from impasto.evaluation.estimate import Estimate, Refused
from impasto.reproduction.protocols import Wang2023
from impasto.reproduction.wang2023.findings import CELLS, Findings
from impasto.reproduction.wang2023.tables import floor_words

PROTOCOL = Wang2023(artists=("Rembrandt",))


def found(floor: float | None, *distances: float) -> Findings:
    def judged(value: float | None) -> Any:
        measured = Refused("few") if value is None else Estimate(value, None, None, 6)
        return SimpleNamespace(measures={"frechet": measured})

    sets = {("Rembrandt", *cell): judged(value) for cell, value in zip(CELLS, distances, strict=True)}
    everything: Any = {**sets, ("Rembrandt", "real", ""): judged(floor)}
    nothing: Any = None
    return Findings(nothing, everything, {"Rembrandt": 5}, {}, (0, 0), 0, {}, nothing, 6)


def test_a_floor_that_is_one() -> None:
    words = floor_words(PROTOCOL, found(90, 100, 110, 95, 96))
    assert words.startswith("They are about what an artist's own hand has, and so a floor")
    assert found(None, 1, 2, 3, 4).below_floor("Rembrandt") == ()


def test_a_floor_that_lies_above_paintings_is_told_with_their_names() -> None:
    words = floor_words(PROTOCOL, found(100, 101, 102, 99, 103))
    assert "is none for 1 of 1 rows" in words and "(Rembrandt: retrained, plain)" in words
    assert "With as few as 5 held-out works" in words
    assert "(Rembrandt: all four sets)" in floor_words(PROTOCOL, found(100, 1, 2, 3, 4))

import pytest

from impasto.errors import UsageError
from impasto.prompts.condition import Condition
from impasto.prompts.parts import PARTS, candidates, complete, known_values


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_known_values_and_a_field(part: str) -> None:
    values = known_values(part)
    assert len(values) == len(set(values)) >= 6
    condition = Condition(**{PARTS[part]: values[0]})
    assert values[0] in condition.text()


@pytest.mark.parametrize(
    ("part", "words", "whole"),
    [
        ("lighting", "Moon", "moonlight"),
        ("medium", "oil canvas", "oil on canvas"),
        ("medium", "oil", "oil"),  # three of them
        ("artist", "gogh", "Vincent van Gogh"),
        ("style", "cubism", "Cubism"),  # itself, though others hold the word
        ("colour", "  the  colour of rust ", "the colour of rust"),
        ("colour", "", ""),
    ],
)
def test_words_are_completed_and_never_guessed(part: str, words: str, whole: str) -> None:
    assert complete(part, words) == whole


def test_what_words_could_mean_is_told() -> None:
    assert candidates("medium", "oil") == ["oil on canvas", "oil on panel", "oil on copper"]


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(UsageError, match=r"no part 'mood'.*lighting"):
        known_values("mood")

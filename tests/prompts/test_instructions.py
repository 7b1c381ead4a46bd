"""Instructions: what they say is what the texts before and after differ in."""

import random

import pytest

from impasto.errors import UsageError
from impasto.prompts.condition import Condition
from impasto.prompts.instructions import KINDS, SCENES, instruct

PAINTERS = ("Claude Monet", "Rembrandt", "Vincent van Gogh")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_words_that_are_swapped_are_in_the_texts(kind: str, seed: int) -> None:
    made = instruct(kind, Condition("a harbour", artist="Claude Monet"), random.Random(seed), PAINTERS)
    before, after = made.before.text(), made.after.text()
    assert made.kind == kind and before != after
    for old, new in made.swaps:
        assert old in before and new in after and new not in before
        assert before.replace(old, new) == after
    if not made.swaps:  # words are added, and none is lost
        words = [{word.rstrip(",") for word in text.split()} for text in (before, after)]
        assert words[0] < words[1]
    assert len(set(made.texts)) == len(made.texts) == 4
    assert all(text == text.strip() and "{" not in text for text in made.texts)


def test_the_same_seed_makes_the_same_instruction_and_others_make_others() -> None:
    scene = Condition("a river")
    made = [instruct("season", scene, random.Random(seed), PAINTERS) for seed in (1, 1, 2, 3, 4, 5)]
    assert made[0] == made[1] and len({one.texts[0] for one in made}) > 2
    assert {bool(instruct("time", scene, random.Random(n), PAINTERS).swaps) for n in range(20)} == {True, False}


def test_the_hand_is_another_painters() -> None:
    made = instruct("hand", Condition(SCENES[0]), random.Random(0), PAINTERS)
    assert made.before.artist != made.after.artist and {made.before.artist, made.after.artist} <= set(PAINTERS)
    assert all(made.after.artist in text for text in made.texts)


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(UsageError, match="unknown kind of instruction 'mood': use season, time"):
        instruct("mood", Condition("a river"), random.Random(0), PAINTERS)

"""Paintings that look like training pictures are refused and painted again, with seeds that nobody else has."""

from collections.abc import Iterator, Sequence

import pytest
from PIL import Image

from impasto.painting.copies.avoiding import Likeness, Refusal, paint_without_copies
from impasto.painting.painting import Painting
from impasto.painting.provenance.record import Provenance
from impasto.painting.request import LARGEST_SEED, PaintRequest
from impasto.prompts.condition import Condition


class SeedsAreCopies:
    """A judge that sees the seed, painted as a grey value, and takes some of them for copies."""

    identity, threshold = "ab12", 0.6

    def __init__(self, copies: Sequence[int]) -> None:
        self.copies = copies

    def nearest(self, image: Image.Image) -> Likeness:
        value = image.getpixel((0, 0))
        return Likeness("poppies.png", 0.6 if value in self.copies else 0.1)


class Easel:
    """Paints flat grey pictures, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []

    def paint_many(self, requests: Sequence[PaintRequest]) -> Iterator[Painting]:
        self.rounds.append([request.seed for request in requests])
        for request in requests:
            provenance = Provenance(
                prompt="boats", condition=request.condition.as_dict(), expansion=None, negative="", seed=request.seed,
                sampler="ddim", steps=5, guidance=5.0, eta=0.0, width=64, height=64, checkpoint="tiny",
                checkpoint_hash="0" * 64, version="0.1.0", text="boats",
            )  # fmt: skip
            yield Painting(Image.new("L", (4, 4), request.seed % 251), provenance)


def painted(copies: Sequence[int], seeds: Sequence[int], repaints: int) -> tuple[list[Painting], list[Refusal], Easel]:
    easel, refusals = Easel(), []
    requests = [PaintRequest(Condition(caption="boats"), seed=seed) for seed in seeds]
    made = paint_without_copies(
        easel.paint_many, requests, SeedsAreCopies(copies), repaints=repaints, on_refusal=refusals.append
    )
    return list(made), refusals, easel


def test_a_copy_is_painted_again_until_it_is_none() -> None:
    made, refusals, easel = painted(copies=[8, 10], seeds=[7, 8, 9], repaints=3)
    assert easel.rounds == [[7, 8, 9], [10], [11]]
    assert [painting.provenance.seed for painting in made] == [7, 9, 11]
    checks = [painting.provenance.copy_check for painting in made]
    assert [check.refused_seeds for check in checks if check] == [(), (), (8, 10)]
    assert all(check and (check.index, check.threshold, check.similarity) == ("ab12", 0.6, 0.1) for check in checks)
    assert [(refusal.seed, refusal.next_seed) for refusal in refusals] == [(8, 10), (10, 11)]
    assert refusals[0].likeness == Likeness("poppies.png", 0.6)


def test_a_copy_to_the_last_is_not_handed_out() -> None:
    made, refusals, easel = painted(copies=range(8, 20), seeds=[7, 8], repaints=2)
    assert [painting.provenance.seed for painting in made] == [7] and easel.rounds == [[7, 8], [9], [10]]
    assert [refusal.next_seed for refusal in refusals] == [9, 10, None]


def test_without_repainting_copies_are_only_left_out() -> None:
    made, refusals, easel = painted(copies=[1], seeds=[1], repaints=0)
    assert not made and [refusal.next_seed for refusal in refusals] == [None] and len(easel.rounds) == 1


def test_there_is_no_seed_after_the_largest() -> None:
    made, refusals, _ = painted(copies=[LARGEST_SEED % 251], seeds=[LARGEST_SEED], repaints=5)
    assert not made and [refusal.next_seed for refusal in refusals] == [None]


def test_nothing_asked_for_is_nothing_painted() -> None:
    assert painted([], [], 3)[0] == []


@pytest.mark.parametrize("refused", [(), (4, 5)])
def test_the_judgement_in_words(refused: tuple[int, ...]) -> None:
    from impasto.painting.copies.record import CopyCheck

    words = str(CopyCheck("ab12", 0.6, 0.4, refused))
    assert words.startswith("similarity 0.400 of at most 0.600") and words.endswith("seeds 4, 5") == bool(refused)

"""Of several seeds the painting nearest to prompt and artist is kept; it is the one that is painted alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from impasto.errors import UsageError
from impasto.painting.best_of.choosing import PromptScorer, paint_best_of, prompt_text
from impasto.painting.copies.record import CopyCheck
from impasto.painting.painting import Painting
from impasto.painting.provenance.record import Provenance
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition

MONET = Condition(caption="boats", artist="Claude Monet", year=1872, style="Impressionism")


class Easel:
    """Paints flat grey pictures, and remembers which seeds were painted together."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[int], int | None]] = []

    def __call__(self, requests: Sequence[PaintRequest], *, batch_size: int | None) -> Iterator[Painting]:
        self.batches.append(([request.seed for request in requests], batch_size))
        for request in requests:
            record = Provenance.of(request, "tiny", "0" * 64)
            # The place of a picture in a batch shows in its last pixel: alone it is another picture.
            picture = Image.new("RGB", (4, 4), (request.seed % 251,) * 3)
            picture.putpixel((3, 3), (len(requests) if batch_size is None else 1, 0, 0))
            yield Painting(picture, record)


class Likes:
    """A scorer to which the prompt is grey 0 and the artist grey 250; `best` maps greys to what it sees in them."""

    name, identity, width, threshold = "likes", "ab12", 2, 0.0

    def __init__(self, best: dict[int, tuple[float, float]]) -> None:
        self.best, self.texts = best, list[str]()

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        self.texts = list(texts)
        rows = {"boats, Impressionism": (1.0, 0.0), "boats": (1.0, 0.0), "Claude Monet": (0.0, 1.0)}
        return np.array([rows[text] for text in texts], np.float32)

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        greys = [int(np.asarray(image)[0, 0, 0]) for image in images]
        return np.array([self.best.get(grey, (0.0, 0.0)) for grey in greys], np.float32)


def requests(*seeds: int, condition: Condition = MONET) -> list[PaintRequest]:
    return [PaintRequest(condition, seed=seed) for seed in seeds]


def test_the_sum_of_prompt_and_artist_decides_and_the_kept_one_is_painted_alone() -> None:
    easel, scorer = Easel(), Likes({11: (0.5, 0.0), 12: (0.25, 0.5), 13: (0.0, 0.5), 21: (0.125, 0.25)})
    found = list(paint_best_of(easel, requests(10, 20), PromptScorer(scorer), count=4))
    assert [[one.provenance.seed for one in kept] for kept in found] == [[12], [21]]
    assert easel.batches == [([10, 11, 12, 13], None), ([12], 1), ([20, 21, 22, 23], None), ([21], 1)]
    assert all(one.image.getpixel((3, 3)) == (1, 0, 0) for kept in found for one in kept)
    assert scorer.texts == ["boats, Impressionism", "Claude Monet"] == [prompt_text(MONET), MONET.artist]
    best_of = found[0][0].provenance.best_of
    assert best_of is not None and best_of.scorer == "likes" and best_of.identity == "ab12"
    assert [(one.seed, one.score, one.prompt, one.artist) for one in best_of.tried] == [
        (10, 0.0, 0.0, 0.0), (11, 0.5, 0.5, 0.0), (12, 0.75, 0.25, 0.5), (13, 0.5, 0.0, 0.5),
    ]  # fmt: skip
    assert [best_of.rank(seed) for seed in (12, 11, 13, 10, 99)] == [1, 2, 3, 4, 0]


def test_all_are_kept_in_the_order_of_their_scores_each_painted_alone() -> None:
    easel = Easel()
    scorer = PromptScorer(Likes({10: (0.1, 0.1), 11: (0.3, 0.1), 12: (0.2, 0.1)}))
    (kept,) = paint_best_of(easel, requests(10), scorer, count=3, keep_all=True)
    assert [one.provenance.seed for one in kept] == [11, 12, 10] and easel.batches == [([10, 11, 12], 1)]
    assert len({id(one.provenance.best_of) for one in kept}) == 1


def test_without_an_artist_or_without_a_prompt_the_other_decides() -> None:
    boats, monet = Condition(caption="boats"), Condition(artist="Claude Monet")
    scorer = PromptScorer(Likes({10: (0.25, 0.75), 11: (0.5, 0.125)}))
    for condition, seed, parts in ((boats, 11, (0.5, None)), (monet, 10, (None, 0.75))):
        (kept,) = paint_best_of(Easel(), requests(10, condition=condition), scorer, count=2)
        assert kept[0].provenance.seed == seed
        best_of = kept[0].provenance.best_of
        assert best_of is not None
        tried = next(one for one in best_of.tried if one.seed == seed)
        assert (tried.prompt, tried.artist) == parts and tried.score == max(filter(None, parts))
    with pytest.raises(UsageError, match="ranks by prompt and artist"):
        scorer.score(Condition(), [Image.new("RGB", (4, 4))])


def test_a_copy_is_passed_over_and_when_all_are_copies_nothing_is_kept() -> None:
    scorer = PromptScorer(Likes({10: (0.1, 0.1), 11: (0.3, 0.1), 12: (0.2, 0.1)}))
    asked: list[int] = []

    def accept(painting: Painting) -> Provenance | None:
        asked.append(painting.provenance.seed)
        check = CopyCheck("cd34", 0.6, 0.2, tuple(asked[:-1]))
        return replace(painting.provenance, copy_check=check) if painting.provenance.seed == 12 else None

    (kept,) = paint_best_of(Easel(), requests(10), scorer, count=3, accept=accept)
    assert asked == [11, 12] and [one.provenance.seed for one in kept] == [12]
    check, best_of = kept[0].provenance.copy_check, kept[0].provenance.best_of
    assert check is not None and check.refused_seeds == (11,) and best_of is not None and best_of.rank(12) == 2
    assert list(paint_best_of(Easel(), requests(20), scorer, count=3, accept=lambda painting: None)) == [[]]

"""Measures edited pictures as the survey's tables do: precision, diversity, directional similarity, background distance.

A batch is the results of one edit with different seeds (Avrahami et al. 2022, tables 1 and 2).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from PIL import Image

from impasto.evaluation.distances.diversity import diversity
from impasto.vision.losses import background_preservation, directional
from impasto.vision.scorers.interface import ImageEncoder, TextImageScorer, expect_pictures


@dataclass(frozen=True)
class EditedPicture:
    """A result of an edit.

    Attributes:
        name: of its file.
        method: how it was edited, in words; the figures are given for each.
        batch: the same for all results of one edit.
        text: what it was to show.
        image: the result.
        source_text: what the picture before shows; "" if unknown.
        source: the picture before, in the size of the result; None if it is not there.
        mask: float32 [h, w], 1 where it was painted anew; None for everywhere.
    """

    name: str
    method: str
    batch: str
    text: str
    image: Image.Image
    source_text: str = ""
    source: Image.Image | None = None
    mask: np.ndarray | None = None

    @property
    def edited_part(self) -> Image.Image:
        """The box around what was painted anew."""
        if self.mask is None or not (self.mask > 0).any():
            return self.image
        rows, columns = (np.flatnonzero((self.mask > 0).any(axis=axis)) for axis in (1, 0))
        return self.image.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))


@dataclass(frozen=True)
class PictureFigures:
    """The figures of one result; None for what is not defined for it.

    Attributes:
        similarity: of the edited part to the edit's text, by the scorer, -1 .. 1.
        is_right: whether the edit's text is, of the texts of all edits, the one that the edited part is most similar to;
            with one text alone, whether the similarity reaches the scorer's threshold.
        directional: 1 - L_direction of the whole picture (`impasto.vision.losses.directional`).
        background: mean squared error outside the mask against the picture before, of values -1 .. 1.
    """

    name: str
    method: str
    batch: str
    similarity: float
    is_right: bool
    directional: float | None
    background: float | None


@dataclass(frozen=True)
class MethodFigures:
    """The figures of all results by one method; None for what is not defined.

    Attributes:
        pictures, batches: their numbers.
        precision: share of results that are right (batch precision).
        best_precision: share of batches whose most similar result is right.
        diversity: mean distance between the features of the edited parts of a batch, over batches.
        directional, background: means over results.
        psnr: of the background in dB, from `background`; infinite if every pixel is the same.
    """

    method: str
    pictures: int
    batches: int
    precision: float
    best_precision: float
    diversity: float | None
    directional: float | None
    background: float | None

    @property
    def psnr(self) -> float | None:
        if self.background is None:
            return None
        return float("inf") if self.background == 0 else float(10 * np.log10(4 / self.background))


def measure_edits(
    pictures: Sequence[EditedPicture],
    scorer: TextImageScorer,
    features: ImageEncoder,
    other_texts: Sequence[str] = (),
    on_pictures: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[list[PictureFigures], list[MethodFigures]]:
    """Measures results, each and by method.

    Args:
        scorer: compares pictures with texts.
        features: of the diversity; distances on them are no LPIPS.
        other_texts: further texts that a result must be less similar to than to its own.
        on_pictures: called with (pictures done, all).
    """
    texts = list(dict.fromkeys([*(one.text for one in pictures), *other_texts]))
    of_texts = scorer.embed_texts(texts)
    for encoder in (scorer, features):
        expect_pictures(encoder, len(pictures))
    parts = scorer.embed_images(one.edited_part for one in pictures)
    on_pictures(len(pictures) // 2, len(pictures))
    found = []
    for one, part in zip(pictures, parts, strict=True):
        scores = of_texts @ part
        own = texts.index(one.text)
        right = bool(scores.argmax() == own) if len(texts) > 1 else bool(scores[own] >= scorer.threshold)
        found.append(PictureFigures(
            one.name, one.method, one.batch, float(scores[own]), right, _directional(one, scorer), _background(one)
        ))  # fmt: skip
    seen = features.embed_images(one.edited_part for one in pictures)
    on_pictures(len(pictures), len(pictures))
    return found, [_of_method(method, found, seen) for method in dict.fromkeys(one.method for one in pictures)]


def _directional(one: EditedPicture, scorer: TextImageScorer) -> float | None:
    if one.source is None or not one.source_text or one.source_text == one.text:
        return None
    images = torch.from_numpy(scorer.embed_images([one.image, one.source]))
    texts = torch.from_numpy(scorer.embed_texts([one.text, one.source_text]))
    return 1 - float(directional(images[:1], images[1:], texts[:1], texts[1:]))


def _background(one: EditedPicture) -> float | None:
    """D_bg, without LPIPS, over the pixels outside the mask alone."""
    if one.source is None or one.mask is None or not (one.mask == 0).any():
        return None
    made, before = (torch.from_numpy(np.asarray(each, np.float32) / 127.5 - 1) for each in (one.image, one.source))
    inside = torch.from_numpy((one.mask > 0).astype(np.float32))
    squared = background_preservation(made.permute(2, 0, 1)[None], before.permute(2, 0, 1)[None], inside[None, None])
    return float(squared) / (1 - float(inside.mean()))


def _of_method(method: str, figures: Sequence[PictureFigures], seen: np.ndarray) -> MethodFigures:
    places = [place for place, one in enumerate(figures) if one.method == method]
    batches: dict[str, list[int]] = {}
    for place in places:
        batches.setdefault(figures[place].batch, []).append(place)
    best = [max(those, key=lambda place: figures[place].similarity) for those in batches.values()]
    apart = [diversity(seen[those]).value for those in batches.values() if len(those) > 1]
    ways = [value for place in places if (value := figures[place].directional) is not None]
    behind = [value for place in places if (value := figures[place].background) is not None]
    return MethodFigures(
        method, len(places), len(batches), fmean(figures[place].is_right for place in places),
        fmean(figures[place].is_right for place in best), fmean(apart) if apart else None, fmean(ways) if ways else None,
        fmean(behind) if behind else None,
    )  # fmt: skip

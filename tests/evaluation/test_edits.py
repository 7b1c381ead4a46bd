"""The measures of edited pictures, on pictures whose figures are known."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from PIL import Image

from impasto.evaluation.edits import EditedPicture, measure_edits

NAMES = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}


class Colours:
    """A scorer of colours by name; its vector of a picture is its mean colour."""

    name, identity, width, threshold = "colours", "", 3, 0.9

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        found = np.stack([np.asarray(image.convert("RGB"), np.float32).mean(axis=(0, 1)) for image in images])
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([NAMES[text] for text in texts], np.float32)


def plain(colour: str, size: int = 8) -> Image.Image:
    return Image.new("RGB", (size, size), {"green": "#00ff00"}.get(colour, colour))


def edited(text: str, shown: str, *, batch: str = "1", method: str = "blend", spoilt: int = 0) -> EditedPicture:
    """The left half of a blue picture became `shown`; the right half is `spoilt` levels off."""
    mask = np.zeros((8, 8), np.float32)
    mask[:, :4] = 1
    image = plain("blue")
    image.paste(plain(shown).crop((0, 0, 4, 8)), (0, 0))
    image.paste(Image.new("RGB", (4, 8), (0, 0, 255 - spoilt)), (4, 0))
    return EditedPicture(f"{text}-{shown}.png", method, batch, text, image, "blue", plain("blue"), mask)


def test_figures_by_hand() -> None:
    pictures = [edited("red", "red"), edited("red", "green"), edited("green", "green", batch="2", spoilt=51)]
    figures, (blend,) = measure_edits(pictures, Colours(), Colours())
    assert [one.is_right for one in figures] == [True, False, True]
    assert [one.similarity for one in figures] == pytest.approx([1, 0, 1])
    assert [one.background for one in figures] == pytest.approx([0, 0, (51 / 127.5) ** 2 / 3])
    assert (blend.pictures, blend.batches, blend.best_precision) == (3, 2, 1)
    assert blend.precision == pytest.approx(2 / 3)
    assert blend.diversity == pytest.approx(np.sqrt(2))  # of the one batch of two
    assert blend.psnr == pytest.approx(10 * np.log10(4 / ((51 / 127.5) ** 2 / 9)))
    toward, away = figures[0].directional, figures[1].directional
    assert toward is not None and away is not None and toward == pytest.approx(1, abs=0.1) and away < toward


def test_what_is_not_defined() -> None:
    one = edited("red", "red")
    bare = EditedPicture("a.png", "from", "1", "red", one.image)
    (figures,), (method,) = measure_edits([bare], Colours(), Colours())
    assert (figures.directional, figures.background) == (None, None)
    assert (method.diversity, method.directional, method.background, method.psnr) == (None, None, None, None)
    assert not figures.is_right  # below the threshold: half of it is blue
    (_,), (exact,) = measure_edits([one], Colours(), Colours())
    assert exact.psnr == float("inf") and exact.precision == 1


def test_methods_are_apart() -> None:
    pictures = [edited("red", "red", method="a"), edited("red", "green", method="b"), edited("red", "green", method="b")]
    _, methods = measure_edits([*pictures, edited("green", "green", method="b", batch="2")], Colours(), Colours())
    assert [(one.method, one.pictures, one.precision) for one in methods] == [("a", 1, 1), ("b", 3, pytest.approx(1 / 3))]

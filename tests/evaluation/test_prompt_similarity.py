from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.evaluation.painted_folders import write_paintings

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.read import read_catalogue
from impasto.evaluation.estimate import Estimate, Refused
from impasto.evaluation.prompt_similarity import prompt_similarity

COLOURS = {"red": (1.0, 0.0, 0.0), "blue": (0.0, 0.0, 1.0)}


class ColourScorer:
    """Knows two words."""

    name, identity, width, threshold = "colours", "c" * 64, 3, 0.5

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        return np.stack([np.asarray(image, np.float32)[0, 0] / 255 for image in images])

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([COLOURS[text] for text in texts], np.float32)


@pytest.fixture
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[CatalogueEntry]:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    folder = write_paintings(tmp_path / "paintings", 4)
    for number, colour in enumerate(("red", "blue", "red", "blue")):
        Image.new("RGB", (64, 64), colour).save(folder / f"{number}.png")
    return read_catalogue(folder, check_images=False).entries


def test_each_painting_meets_its_own_prompt(entries: list[CatalogueEntry]) -> None:
    met = prompt_similarity(entries, ["red", "blue", "red", "blue"], ColourScorer())
    assert isinstance(met, Estimate) and (met.value, met.low, met.pictures) == (1, 1, 4)
    assert met.note == "colours; 0.000 with the others' prompts"
    missed = prompt_similarity(entries, ["blue", "red", "red", "red"], ColourScorer())
    assert isinstance(missed, Estimate) and missed.value == 0.25


def test_paintings_without_a_prompt_are_left_out(entries: list[CatalogueEntry]) -> None:
    found = prompt_similarity(entries, ["red", "", " ", ""], ColourScorer())
    assert isinstance(found, Estimate) and (found.value, found.pictures, found.note) == (1, 1, "colours")
    assert isinstance(prompt_similarity(entries, [""] * 4, ColourScorer()), Refused)

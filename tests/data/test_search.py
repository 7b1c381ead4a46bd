from pathlib import Path

import pytest
from PIL import Image
from tests.data.colour_scorer import ColourScorer

from impasto.data.catalogue.entry import CatalogueReport
from impasto.data.search import search_catalogue
from impasto.errors import ImpastoError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, colour in {"red": "red", "orange": (255, 140, 0), "green": "lime", "blue": "blue"}.items():
        Image.new("RGB", (40, 40), colour).save(tmp_path / f"{name}.png")
    return tmp_path


def names(folder: Path, question: str | Image.Image, count: int = 2) -> list[str]:
    return [found.entry.file_name for found in search_catalogue(folder, question, ColourScorer(), count=count)]


def test_words_and_pictures_find_pictures(folder: Path) -> None:
    assert names(folder, "a red sun") == ["red.png", "orange.png"]
    assert names(folder, Image.new("RGB", (50, 30), (250, 150, 10))) == ["orange.png", "red.png"]
    found = search_catalogue(folder, "blue", ColourScorer(), count=100)
    assert len(found) == 4 and found[0].similarity == pytest.approx(1)


def test_vectors_are_kept_and_broken_pictures_named(folder: Path) -> None:
    scorer = ColourScorer()
    search_catalogue(folder, "red", scorer)
    (folder / "green.png").write_bytes(b"no picture")
    report = CatalogueReport()
    assert len(search_catalogue(folder, "green", scorer, report=report)) == 3
    assert scorer.pictures == 4 and [skipped.file_name for skipped in report.skipped] == ["green.png"]


def test_bad_questions(folder: Path, tmp_path: Path) -> None:
    for question, count in (("", 1), (" \n", 1), ("red", 0)):
        with pytest.raises(UsageError):
            search_catalogue(folder, question, ColourScorer(), count=count)
    with pytest.raises(ImpastoError):
        search_catalogue(tmp_path / "nowhere", "red", ColourScorer())

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.colour_scorer import ColourScorer

from impasto.data.caches import image_vectors as embeddings
from impasto.data.caches.image_vectors import image_vectors
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError


@pytest.fixture
def entries(tmp_path: Path) -> list[CatalogueEntry]:
    for number in range(10):
        Image.new("RGB", (40, 40), (20 * number, 0, 200)).save(tmp_path / f"{number}.png")
    return read_catalogue(tmp_path, check_images=False).entries


def test_each_picture_is_embedded_once(entries: list[CatalogueEntry]) -> None:
    scorer = ColourScorer()
    said: list[tuple[int, int]] = []
    vectors = image_vectors(entries, scorer, lambda done, of: said.append((done, of)))
    assert vectors.shape == (10, 3) and vectors.dtype == np.float32 and said == [(10, 10)]
    assert np.allclose(vectors[5], np.array([100, 0, 200]) / np.hypot(100, 200), atol=1e-6)
    Image.new("RGB", (40, 40), "lime").save(entries[3].file)
    again = image_vectors(entries[::-1], scorer)
    assert scorer.pictures == 11
    assert np.allclose(again[6], [0, 1, 0], atol=1e-6) and (again[4] == vectors[5]).all()
    assert (image_vectors(entries, ColourScorer("d" * 64)) == again[::-1]).all()
    assert image_vectors([], scorer).shape == (0, 3)


def test_an_encoder_is_told_how_many_pictures_are_missing(entries: list[CatalogueEntry]) -> None:
    told: list[int] = []

    class Told(ColourScorer):
        def expect(self, pictures: int) -> None:
            told.append(pictures)

    for some in (entries[:4], entries, entries):
        image_vectors(some, Told())
    assert told == [4, 6, 0]


def test_broken_pictures_are_named_and_the_rest_is_done(entries: list[CatalogueEntry]) -> None:
    entries[0].file.write_bytes(b"no picture")
    entries[4].file.unlink()
    for _ in range(2):
        report = CatalogueReport()
        vectors = image_vectors(entries, ColourScorer(), report=report)
        assert np.isnan(vectors).all(axis=1).nonzero()[0].tolist() == [0, 4]
        assert [(s.file_name, s.reason.split(" (")[0]) for s in report.skipped] == [
            ("0.png", "not a picture that can be read"),
            ("4.png", "cannot be read: No such file or directory"),
        ]
    for entry in entries:
        entry.file.unlink(missing_ok=True)
    assert np.isnan(image_vectors(entries, ColourScorer())).all()


def test_a_whole_chunk_of_broken_pictures_stops_nothing(
    entries: list[CatalogueEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "CHUNK", 2)
    for entry in entries[2:4]:
        entry.file.write_bytes(b"no picture " + entry.file_name.encode())
    vectors = image_vectors(entries, ColourScorer())
    assert np.isnan(vectors).any(axis=1).nonzero()[0].tolist() == [2, 3]


def test_what_was_done_before_a_stop_is_kept(entries: list[CatalogueEntry], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "CHUNK", 2)
    with pytest.raises(ImpastoError, match="stopped"):
        image_vectors(entries, ColourScorer(stop_after=7))
    scorer = ColourScorer()
    image_vectors(entries, scorer)
    assert scorer.pictures == 4  # three chunks of two were whole


def test_a_cache_that_cannot_be_written_is_one_line(
    entries: list[CatalogueEntry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "file"))
    with pytest.raises(ImpastoError, match="file cannot be written"):
        image_vectors(entries, ColourScorer())

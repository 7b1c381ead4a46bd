from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.evaluation.painted_folders import write_paintings

from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.evaluation.features import features_of, load_extractor


@dataclass
class MeanColour:
    """Sees red, green and blue, and counts how many pictures it was shown."""

    identity: str = "a" * 64
    name: str = "mean-colour"
    width: int = 3
    seen: list[int] = field(default_factory=list)

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        rows = [np.asarray(image, np.float32).mean((0, 1)) for image in images]
        self.seen.append(len(rows))
        return np.stack(rows)


@pytest.fixture
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[CatalogueEntry]:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    return read_catalogue(write_paintings(tmp_path / "paintings", 6), check_images=False).entries


def test_pictures_are_looked_at_once_for_each_content_and_extractor(entries: list[CatalogueEntry]) -> None:
    eye, other = MeanColour(), MeanColour(identity="b" * 64)
    first = features_of("ours", entries, eye)
    assert features_of("ours", entries, eye).rows.tolist() == first.rows.tolist() and sum(eye.seen) == 6
    features_of("ours", entries, other)
    assert sum(other.seen) == 6
    Image.new("RGB", (64, 64), "red").save(entries[2].file)
    assert features_of("ours", entries, eye).rows[2].tolist() == [255, 0, 0] and sum(eye.seen) == 7


def test_features_of_two_extractors_are_not_mixed(entries: list[CatalogueEntry]) -> None:
    ours = features_of("ours", entries, MeanColour())
    theirs = features_of("theirs", entries, MeanColour(identity="b" * 64))
    with pytest.raises(ImpastoError, match=r"different extractors .* ours by mean-colour, theirs by .* \(bbbbbbbb\)"):
        ours.check_comparable(theirs)
    ours.check_comparable(ours)


def test_what_cannot_be_opened_is_left_out_and_named(entries: list[CatalogueEntry]) -> None:
    entries[1].file.write_bytes(b"no picture")
    report = CatalogueReport()
    found = features_of("ours", entries, MeanColour(), report=report)
    assert len(found.rows) == 5 == len(found.entries) and entries[1] not in found.entries
    assert [skip.file_name for skip in report.skipped] == [entries[1].file_name]
    for entry in entries[2:]:
        entry.file.write_bytes(b"no picture")
    with pytest.raises(ImpastoError, match=r"ours holds one picture that can be compared \(1.png: "):
        features_of("ours", entries, MeanColour())


def test_pictures_of_one_colour_are_named(entries: list[CatalogueEntry]) -> None:
    for entry in entries:
        Image.new("RGB", (64, 64), "black").save(entry.file)
    with pytest.raises(ImpastoError, match=r"all 6 pictures of ours look the same to mean-colour"):
        features_of("ours", entries, MeanColour())


def test_extractors_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.vision import tiny_transformers

    assert load_extractor("efficientnet-lite2").name == "efficientnet-lite2"
    clip = load_extractor(str(tiny_transformers.clip(tmp_path / "clip")))
    assert clip.width == 24
    with pytest.raises(UsageError, match="use efficientnet-lite2, inception, dinov2, clip"):
        load_extractor("vgg")
    with pytest.raises(UsageError, match="--weights goes with --features inception"):
        load_extractor("clip", weights=tmp_path / "x.pth")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MissingPart, match="facebook/dinov2-large"):
        load_extractor("dinov2")


def test_dinov2_from_a_folder(tmp_path: Path) -> None:
    from tests.vision import tiny_transformers
    from transformers import Dinov2Config, Dinov2Model

    config = Dinov2Config(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14)
    folder = tiny_transformers.save(Dinov2Model(config), tmp_path / "dino", "BitImageProcessor")
    eye = load_extractor(str(folder))
    pictures = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "red")]
    pictures[0].putpixel((20, 15), (0, 255, 0))
    rows = eye.embed_images(pictures)
    assert eye.width == 16 and rows.shape == (3, 16) and rows.dtype == np.float32
    np.testing.assert_allclose(eye.embed_images(pictures[1:2])[0], rows[1], rtol=1e-4, atol=1e-5)
    assert np.abs(rows[0] - rows[1]).max() > 1e-3

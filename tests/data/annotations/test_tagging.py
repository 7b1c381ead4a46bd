import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.colour_scorer import ColourScorer

from impasto.data.annotations.log import AnnotationLog
from impasto.data.annotations.tagging import chosen_tags, tag_catalogue
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import UsageError
from impasto.vision.scorers.interface import ImageEncoder
from impasto.vision.taggers.interface import ProbabilityEncoder
from impasto.vision.taggers.zero_shot import ZeroShotTagger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for name, colour in {"red": "red", "green": "lime", "both": (255, 255, 0)}.items():
        Image.new("RGB", (40, 40), colour).save(folder / f"{name}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def tagger(*tags: str) -> ZeroShotTagger:
    return ZeroShotTagger(ColourScorer(), tags)


def test_pictures_get_their_likeliest_tags(folder: Path) -> None:
    outcome = tag_catalogue(folder, tagger("red", "green", "blue"), at_least=0.5)
    assert (outcome.tagged, outcome.known, outcome.counts) == (3, 0, {"red": 2, "green": 2})
    assert [skipped.file_name for skipped in outcome.report.skipped] == ["broken.png"]
    tags = {entry.file_name: entry.tags for entry in read_catalogue(folder, check_images=False).entries}
    assert tags["red.png"] == ("red",) and set(tags["both.png"]) == {"red", "green"}


def test_what_is_tagged_is_not_tagged_again(folder: Path) -> None:
    tag_catalogue(folder, tagger("red", "green"))
    Image.new("RGB", (40, 40), "lime").save(folder / "red.png")
    again = tag_catalogue(folder, tagger("red", "green"))
    assert (again.tagged, again.known) == (1, 2)
    assert AnnotationLog(folder, "tags").latest()["red.png"]["tags"][0][0] == "green"
    other = tag_catalogue(folder, tagger("red", "green", "blue"))
    assert (other.tagged, other.known) == (3, 0)
    assert tag_catalogue(folder, tagger("red", "green", "blue"), most=1).tagged == 3


def test_the_likeliest_tag_is_always_given(folder: Path) -> None:
    tag_catalogue(folder, tagger("blue"), at_least=1.0)
    rows = AnnotationLog(folder, "tags").rows()
    assert {row["file_name"]: [name for name, _ in row["tags"]] for row in rows} == {
        "red.png": ["blue"], "green.png": ["blue"], "both.png": ["blue"]
    }  # fmt: skip


def test_each_tag_has_its_own_threshold(folder: Path) -> None:
    own = tagger("red", "green", "blue")
    tag_catalogue(folder, own)
    plain = AnnotationLog(folder, "tags").latest()["both.png"]["tags"]
    own.thresholds = np.array([0.25, 1.5, 0.25], np.float32)
    tag_catalogue(folder, own, at_least=0.25)
    assert AnnotationLog(folder, "tags").latest()["both.png"]["tags"] == plain and len(plain) == 2
    tag_catalogue(folder, own)
    assert [name for name, _ in AnnotationLog(folder, "tags").latest()["both.png"]["tags"]] == ["red"]


def test_one_kind_of_picture_is_given() -> None:
    names = ["portrait", "landscape", "portrait of a woman", "woman"]
    p, at = np.array([0.9, 0.8, 0.5, 0.4]), np.full(4, 0.25, np.float32)
    assert [name for name, _ in chosen_tags(p, names, at, 12)] == ["portrait", "portrait of a woman", "woman"]
    assert [name for name, _ in chosen_tags(p, names, at, 2)] == ["portrait", "portrait of a woman"]


def test_other_models_kinds_are_all_given() -> None:
    names = ["portrait", "landscape", "abacus"]
    p, at = np.array([0.9, 0.8, 0.5]), np.full(3, 0.25, np.float32)
    assert [name for name, _ in chosen_tags(p, names, at, 12)] == names


class Large:
    """A slow model that knows two tags, and counts the pictures that it sees."""

    name, identity, tags = "large", "c" * 64, ("red", "green")

    def __init__(self) -> None:
        self.seen = 0
        self.thresholds: np.ndarray | None = np.full(2, 0.25, np.float32)
        self.encoder: ImageEncoder = ProbabilityEncoder(self, self.probabilities, batch=2)

    def probabilities(self, images: Sequence[Image.Image]) -> np.ndarray:
        self.seen += len(images)
        return np.stack([np.asarray(image, np.float32).mean((0, 1))[:2] / 255 for image in images])

    def probabilities_of(self, vectors: np.ndarray) -> np.ndarray:
        return vectors.astype(np.float32)


def test_a_large_tagger_sees_each_picture_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks, whose probabilities stay in the cache: other settings, and captions, need no second look."""
    monkeypatch.setattr("impasto.data.annotations.tagging.CHUNK", 1)
    monkeypatch.setattr("impasto.data.annotations.tagging._BLOCK", 2)
    large, told = Large(), list[tuple[int, int]]()
    outcome = tag_catalogue(folder, large, on_progress=lambda done, of: told.append((done, of)))
    assert (outcome.tagged, large.seen) == (3, 3) and told[-1] == (4, 4) and told == sorted(told)
    assert [skipped.file_name for skipped in outcome.report.skipped] == ["broken.png"]
    assert AnnotationLog(folder, "tags").latest()["red.png"]["tags"] == [["red", 1.0]]
    assert tag_catalogue(folder, large, most=1).tagged == 3 and large.seen == 3
    assert set(AnnotationLog(folder, "tags").latest()) == {"red.png", "green.png", "both.png"}


@pytest.mark.parametrize("wrong", [{"at_least": 1.2}, {"at_least": float("nan")}, {"most": 0}])
def test_impossible_settings_are_named(folder: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="--"):
        tag_catalogue(folder, tagger("red"), **wrong)  # pyright: ignore[reportArgumentType]
    assert not (folder / "annotations").exists()


def test_metadata_s_own_tags_go_before(folder: Path) -> None:
    rows = [{"file_name": "red.png", "tags": ["sun"]}, {"file_name": "green.png"}]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    tag_catalogue(folder, tagger("red", "green"))
    assert [entry.tags for entry in read_catalogue(folder, check_images=False).entries] == [("sun",), ("green",)]

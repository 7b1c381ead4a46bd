"""The reproduction's own catalogue: tags, captions and the filter, without a change to the user's catalogue."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.journeys.reproduce_child import ShortCaptioner, write_works
from tests.journeys.test_bad_input import tree

from impasto.data.annotations.caption_work import Models
from impasto.data.annotations.filtering import filter_catalogue
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import UsageError
from impasto.reproduction.annotated_catalogue import AnnotatedCatalogue
from impasto.reproduction.time_bounds import Bound, TimeIsUp, parse_bounds

ARTISTS = ("Rembrandt", "Claude Monet")
NOTHING = Bound()


class Eye:
    """Encodes a picture as its mean colour, and tags it with a colour; texts are the colours' names."""

    name, identity, width, threshold = "eye", "e" * 64, 3, 0.5
    tags, thresholds = ("red", "green", "blue"), None

    @property
    def encoder(self) -> "Eye":
        return self

    def embed_images(self, images: Any) -> np.ndarray:
        rows = [np.asarray(image, np.float32).mean((0, 1)) for image in images]
        return np.array([row / np.linalg.norm(row) for row in rows], np.float32).reshape(-1, 3)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[float(tag in text) + 1e-6 for tag in self.tags] for text in texts], np.float32)

    def probabilities_of(self, vectors: np.ndarray) -> np.ndarray:
        return vectors / vectors.sum(1, keepdims=True)

    def probabilities(self, images: Sequence[Image.Image]) -> np.ndarray:
        return self.probabilities_of(self.embed_images(images))


def eye() -> Any:
    return Eye()


def captioning() -> Any:
    return Models(ShortCaptioner(), Eye(), Eye())


@pytest.fixture
def works(tmp_path: Path, own_cache: Path) -> Path:
    del own_cache
    return write_works(tmp_path / "works")


def begun(works: Path, artists: tuple[str, ...] = ARTISTS) -> AnnotatedCatalogue:
    catalogue = AnnotatedCatalogue(works.parent / "own", works, artists)
    catalogue.make(lambda what, share: None)
    return catalogue


def never(*given: object) -> Any:
    raise AssertionError(f"nothing should be loaded {given}")


def silent(what: str, share: float) -> None:
    assert 0 <= share <= 1, what


def run_all(catalogue: AnnotatedCatalogue, below: float | None) -> Any:
    tagger = catalogue.tag(eye, silent)
    captioner = catalogue.caption(captioning, NOTHING, silent)
    scorer, threshold = catalogue.filter(eye, below, silent)
    return catalogue.told(tagger, captioner, scorer, threshold)


def test_all_phases_run_and_the_users_catalogue_stays_as_it_was(works: Path) -> None:
    before = tree(works)
    told = run_all(begun(works), 0.2)
    assert (told.tagger, told.captioner, told.scorer, told.threshold) == ("eye", "short-captioner", "eye", 0.2)
    assert told.pictures == {"Rembrandt": 11, "Claude Monet": 11} == told.captioned and not told.skipped
    entries = read_catalogue(works.parent / "own", check_images=False).entries
    assert all(entry.caption.startswith("a ") and entry.tags for entry in entries)
    assert tree(works) == before


def test_what_the_catalogue_has_is_skipped_with_a_line(works: Path) -> None:
    rows = [json.loads(line) for line in (works / "metadata.jsonl").read_text("utf-8").splitlines()]
    for row in rows:
        row |= {"text": "a green field", "tags": ["field"]}
    (works / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    filter_catalogue(works, eye(), -1)
    before = tree(works)
    catalogue = begun(works)
    assert catalogue.tag(never, silent) == "" and catalogue.caption(never, NOTHING, silent) == ""
    assert catalogue.filter(never, None, silent) == ("", None)
    assert [line.split(":")[0] for line in catalogue.skipped] == [
        "skipped tagging",
        "skipped captioning",
        "skipped filtering",
    ]
    assert all("22" in line for line in catalogue.skipped) and tree(works) == before


def test_earlier_captions_are_kept_and_only_the_others_written(works: Path) -> None:
    rows = [json.loads(line) for line in (works / "metadata.jsonl").read_text("utf-8").splitlines()]
    rows[0]["text"] = "what a person wrote"
    (works / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    run_all(begun(works), -1)
    captions = {e.file_name: e.caption for e in read_catalogue(works.parent / "own", check_images=False).entries}
    assert captions[rows[0]["file_name"]] == "what a person wrote"
    assert sum("field" in caption for caption in captions.values()) == 21


def test_the_filter_removes_and_counts(works: Path) -> None:
    rows = [json.loads(line) for line in (works / "metadata.jsonl").read_text("utf-8").splitlines()]
    theirs = next(row for row in rows if row["artist"] == "Rembrandt")
    theirs["text"] = "nothing of any colour"
    (works / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    told = run_all(begun(works), 0.2)
    assert told.dropped == {"Rembrandt": 1, "Claude Monet": 0}
    left = {entry.file_name for entry in read_catalogue(works.parent / "own", check_images=False).entries}
    assert theirs["file_name"] not in left and len(left) == 21


def test_only_the_artists_pictures_are_taken(works: Path) -> None:
    told = run_all(begun(works, ("Rembrandt",)), -1)
    assert told.pictures == {"Rembrandt": 11}
    assert len(read_catalogue(works.parent / "own", check_images=False).entries) == 11


def test_an_unfinished_copy_is_made_anew(works: Path) -> None:
    own = works.parent / "own"
    begun(works)
    (own / "metadata.jsonl").unlink()
    begun(works)
    assert len(read_catalogue(own, check_images=False).entries) == 22


def test_time_that_is_up_is_told(works: Path) -> None:
    catalogue = begun(works)
    name = catalogue.caption(captioning, Bound(time.monotonic() - 1), silent)
    assert name == "short-captioner" and catalogue.late == 22
    assert not (catalogue.folder / "annotations").exists()
    told = catalogue.told("", name, "", None)
    assert told.late == 22 and told.captioned == {"Rembrandt": 0, "Claude Monet": 0}


def test_bounds() -> None:
    assert Bound.of(None, 100.0).ends is None and not Bound.of(None, 100.0).is_over
    assert Bound.of(1.0, 61.0).is_over and not Bound.of(1.0, 50.0).is_over
    with pytest.raises(TimeIsUp):
        Bound.of(1.0, 61.0).check()
    assert parse_bounds({"paint": 2.0}) == {"paint": 2.0}
    for wrong in ({"dance": 1.0}, {"paint": 0.0}, {"paint": float("nan")}):
        with pytest.raises(UsageError):
            parse_bounds(wrong)

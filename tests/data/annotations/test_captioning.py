import multiprocessing
import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image
from tests.data.colour_scorer import ColourScorer

from impasto.data.annotations.captioning import caption_catalogue
from impasto.data.annotations.log import AnnotationLog
from impasto.data.annotations.tag_vocabulary import Tag
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import UsageError
from impasto.vision.taggers.zero_shot import ZeroShotTagger

VOCABULARY = [Tag("red", "objects"), Tag("green", "objects"), Tag("blue", "objects")]


class Writer:
    """Writes what it is told to; counts the pictures."""

    name, identity = "writer", "w" * 64

    def __init__(self, *texts: str, seconds: float = 0.0) -> None:
        self.texts, self.seconds, self.pictures, self.tags = texts, seconds, 0, list[Sequence[str]]()

    def caption(
        self, images: Sequence[Image.Image], *, tags: Sequence[Sequence[str]] | None, count: int, seeds: Sequence[int]
    ) -> list[list[str]]:
        time.sleep(self.seconds)
        self.pictures += len(images)
        self.tags += tags or []
        return [[f"{text}" for text in self.texts[:count]] for _ in images]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for name, colour in {"red": "red", "green": "lime"}.items():
        Image.new("RGB", (40, 40), colour).save(folder / f"{name}.png")
    return folder


def tagger() -> ZeroShotTagger:
    return ZeroShotTagger(ColourScorer(), [tag.name for tag in VOCABULARY])


def captions(folder: Path) -> dict[str, str]:
    return {entry.file_name: entry.caption for entry in read_catalogue(folder, check_images=False).entries}


def test_the_scorer_picks_among_what_the_tags_allow(folder: Path) -> None:
    writer = Writer("a green hill", "a red sun")
    outcome = caption_catalogue(folder, writer, tagger(), ColourScorer(), VOCABULARY)
    assert captions(folder) == {"red.png": "a red sun", "green.png": "a green hill"}
    assert (outcome.captioned, outcome.contradicted, outcome.from_tags) == (2, 2, 0)
    assert sorted(list(tags) for tags in writer.tags) == [["green"], ["red"]]
    row = AnnotationLog(folder, "captions").latest()["red.png"]
    assert row["candidates"] == ["a green hill", "a red sun"] and row["similarity"] == pytest.approx(1)


def test_the_artists_take_turns(tmp_path: Path) -> None:
    rows = ["file_name,artist,text", "a0.png,A,known"]
    for number in range(4):
        rows += [f"a{number}.png,A," for _ in range(number > 0)]
    rows += [f"b{number}.png,B," for number in range(3)]
    for row in rows[1:]:
        Image.new("RGB", (40, 40), "red").save(tmp_path / row.split(",")[0])
    (tmp_path / "metadata.csv").write_text("\n".join(rows))
    caption_catalogue(tmp_path, Writer("a red sun"), tagger(), ColourScorer(), VOCABULARY, most=3, by_turns=True)
    assert sorted(AnnotationLog(tmp_path, "captions").latest()) == ["a1.png", "b0.png", "b1.png"]


def test_where_every_candidate_contradicts_the_tags_speak(folder: Path) -> None:
    outcome = caption_catalogue(folder, Writer("a blue sea", ""), tagger(), ColourScorer(), VOCABULARY)
    assert captions(folder) == {"red.png": "a red", "green.png": "a green"}
    assert (outcome.contradicted, outcome.from_tags) == (2, 2)


def test_what_has_a_text_or_a_caption_is_left_alone(folder: Path) -> None:
    (folder / "metadata.csv").write_text("file_name,text\nred.png,mine\ngreen.png,\n")
    writer = Writer("red and green")
    assert caption_catalogue(folder, writer, tagger(), ColourScorer(), VOCABULARY).captioned == 1
    again = caption_catalogue(folder, writer, tagger(), ColourScorer(), VOCABULARY)
    assert (again.captioned, again.known, writer.pictures) == (0, 1, 1)
    assert caption_catalogue(folder, writer, tagger(), ColourScorer(), VOCABULARY, all_pictures=True).captioned == 1
    assert captions(folder)["red.png"] == "mine"
    Image.new("RGB", (40, 40), (0, 250, 0)).save(folder / "green.png")
    assert caption_catalogue(folder, writer, tagger(), ColourScorer(), VOCABULARY).captioned == 1
    with pytest.raises(UsageError):
        caption_catalogue(folder, writer, tagger(), ColourScorer(), VOCABULARY, candidates=0)


def _caption(folder: Path, cache: str) -> None:
    os.environ["IMPASTO_CACHE"] = cache
    caption_catalogue(folder, Writer("a red sun", seconds=0.004), tagger(), ColourScorer(), VOCABULARY)


def _rows_in(folder: Path) -> int:
    log = folder / "annotations" / "captions.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def test_ten_kills_neither_repeat_nor_lose_a_row(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.data.annotations.captioning.CHUNK", 3)
    for number in range(60):
        Image.new("RGB", (32, 32), (200 + number % 50, number, 0)).save(tmp_path / f"{number:02}.png")
    draw, context = random.Random(0), multiprocessing.get_context("fork")
    kills = 0
    for _ in range(10):
        child = context.Process(target=_caption, args=(tmp_path, str(own_cache)))
        child.start()
        # After some rows more, and at any moment from there to the next: so a fast machine's child is killed as well.
        enough = _rows_in(tmp_path) + draw.randint(0, 5)
        while child.is_alive() and _rows_in(tmp_path) < enough:
            child.join(0.001)
        child.join(draw.uniform(0, 0.01))
        if child.is_alive() and child.pid:
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        child.join()
    assert kills >= 3
    caption_catalogue(tmp_path, Writer("a red sun"), tagger(), ColourScorer(), VOCABULARY)
    rows = [row["file_name"] for row in AnnotationLog(tmp_path, "captions").rows()]
    assert sorted(rows) == [f"{number:02}.png" for number in range(60)]

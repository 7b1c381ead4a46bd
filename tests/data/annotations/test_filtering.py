import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.data.colour_scorer import ColourScorer

from impasto.data.annotations.filtering import FilterOutcome, filter_catalogue
from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError, UsageError

CAPTIONS = {"red.png": "a red sun", "green.png": "a green hill", "wrong.png": "a red rose", "both.png": "red and blue"}
COLOURS = {"red.png": "red", "green.png": "lime", "wrong.png": "blue", "both.png": "red", "mute.png": "black"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (40, 40), colour).save(folder / name)
    rows = [{"file_name": name, "text": CAPTIONS.get(name, "")} for name in COLOURS]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def say(folder: Path, kind: Any, name: str, **row: Any) -> None:
    AnnotationLog(folder, kind).append([{"file_name": name, "content": content_of(folder / name), **row}])


def names(folder: Path) -> list[str]:
    return [entry.file_name for entry in read_catalogue(folder, check_images=False).entries]


def similarities(outcome: FilterOutcome) -> dict[str, float]:
    return {pair.file_name: round(pair.similarity, 3) for pair in outcome.judged}


def test_what_does_not_belong_together_is_dropped_the_worst_first(folder: Path) -> None:
    outcome = filter_catalogue(folder, ColourScorer(), 0.2)
    assert similarities(outcome) == {"wrong.png": 0.0, "both.png": 0.707, "red.png": 1.0, "green.png": 1.0}
    assert [pair.file_name for pair in outcome.judged] == ["wrong.png", "both.png", "green.png", "red.png"]
    assert [pair.file_name for pair in outcome.dropped] == ["wrong.png"] and len(outcome.kept) == 3
    assert outcome.without_caption == ["mute.png"]
    catalogue = read_catalogue(folder, check_images=False)
    assert {s.file_name: s.reason for s in catalogue.report.skipped} == {"wrong.png": "similarity 0.000 is below 0.2"}
    assert "mute.png" in names(folder), "what has no caption is not judged"


def test_only_what_is_missing_or_stale_is_computed(folder: Path) -> None:
    scorer = ColourScorer()
    filter_catalogue(folder, scorer, 0.2)
    logs = {kind: AnnotationLog(folder, kind).path.read_bytes() for kind in ("similarity", "filter")}
    filter_catalogue(folder, scorer, 0.2)
    assert (scorer.pictures, len(scorer.texts)) == (4, 4)
    assert logs == {kind: AnnotationLog(folder, kind).path.read_bytes() for kind in logs}
    filter_catalogue(folder, scorer, 0.9)
    assert (scorer.pictures, len(scorer.texts)) == (4, 4), "another threshold needs nothing new"
    assert names(folder) == ["red.png", "green.png", "mute.png"]
    filter_catalogue(folder, scorer, 0.2)
    assert "both.png" in names(folder)
    say(folder, "review", "green.png", decision="edit", text="a blue hill")
    Image.new("RGB", (40, 40), (0, 0, 250)).save(folder / "both.png")
    again = filter_catalogue(folder, scorer, 0.2)
    assert scorer.texts[4:] == ["a blue hill", "red and blue"] and scorer.pictures == 5
    assert similarities(again)["green.png"] == 0.0
    other = ColourScorer("d" * 64)
    filter_catalogue(folder, other, 0.2)
    assert (other.pictures, len(other.texts)) == (4, 4)


def test_persons_win(folder: Path) -> None:
    say(folder, "review", "wrong.png", decision="accept")
    say(folder, "review", "red.png", decision="reject")
    outcome = filter_catalogue(folder, ColourScorer(), 0.9)
    assert [(pair.file_name, pair.by_person) for pair in outcome.kept] == [("wrong.png", True), ("green.png", False)]
    assert "red.png" not in similarities(outcome)
    assert names(folder) == ["green.png", "wrong.png", "mute.png"]
    say(folder, "review", "wrong.png", decision="undo")
    assert "wrong.png" not in names(folder)


def test_a_dry_run_and_the_scorers_own_threshold(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    outcome = filter_catalogue(folder, ColourScorer(), dry_run=True)
    assert outcome.threshold == 0.5 and [pair.file_name for pair in outcome.dropped] == ["wrong.png"]
    assert sorted(folder.rglob("*")) == before


def test_a_broken_picture_is_named_and_the_rest_is_judged(folder: Path) -> None:
    (folder / "red.png").write_bytes(b"no picture")
    outcome = filter_catalogue(folder, ColourScorer(), 0.2)
    assert len(outcome.judged) == 3
    assert [(s.file_name, s.reason) for s in outcome.report.skipped] == [("red.png", "not a picture that can be read")]


@pytest.mark.parametrize("below", [2.0, -1.5, float("nan"), float("inf")])
def test_impossible_thresholds(folder: Path, below: float) -> None:
    with pytest.raises(UsageError, match="between -1 and 1"):
        filter_catalogue(folder, ColourScorer(), below)
    assert not (folder / "annotations").exists()


def test_a_scorer_of_nothing_but_nan_drops_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ColourScorer, "embed_texts", lambda self, texts: np.full((len(texts), 3), np.nan, np.float32))
    assert filter_catalogue(folder, ColourScorer(), 0.2).judged == []
    assert len(names(folder)) == 5
    with pytest.raises(ImpastoError, match="not a folder"):
        filter_catalogue(folder / "none", ColourScorer())

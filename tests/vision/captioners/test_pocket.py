"""The pocket captioner around a language model of a few thousand weights."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.tiny_language_model import build_language_model

from impasto.errors import ImpastoError, MissingPart
from impasto.vision.captioners.pocket import (
    CONFIG,
    SHIPPED,
    WEIGHTS,
    CaptionerConfig,
    PocketCaptioner,
    PrefixNetwork,
    prompt_for,
    save_captioner,
    with_lora,
)
from impasto.weights.files import read_weights

CONFIGURATION = CaptionerConfig(prefix=2, hidden=8, rank=2, side=64, told=2, longest=6)


def language_model(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


@pytest.fixture
def captioner(tmp_path: Path) -> PocketCaptioner:
    pytest.importorskip("peft")
    base = build_language_model(tmp_path / "base")
    torch.manual_seed(0)
    tuned = with_lora(language_model(base)[0], CONFIGURATION.rank)
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.5)
    prefix = PrefixNetwork(CONFIGURATION, 32)
    save_captioner(tmp_path / "captioner", CONFIGURATION, prefix, tuned)
    return PocketCaptioner(tmp_path / "captioner", language_model=language_model(base))


FEATURES = np.random.default_rng(0).normal(size=(5, 1280)).astype(np.float32)
TAGS = [["harbour"], ["garden", "dusk"], [], ["fog"], ["bridge"]]


def test_the_same_picture_and_seed_give_the_same_texts_alone_and_in_a_batch(captioner: PocketCaptioner) -> None:
    together = captioner.caption_features(FEATURES, tags=TAGS, count=3, seeds=[7, 8, 9, 10, 11])
    assert [len(candidates) for candidates in together] == [3] * 5
    for place in range(5):
        alone = captioner.caption_features(
            FEATURES[place : place + 1], tags=[TAGS[place]], count=3, seeds=[7 + place]
        )
        assert alone == [together[place]]
    other = captioner.caption_features(FEATURES, tags=TAGS, count=3, seeds=[0] * 5)
    assert [row[0] for row in other] == [row[0] for row in together], "the first is not drawn"
    assert other != together


def test_pictures_and_tags_are_heard(captioner: PocketCaptioner) -> None:
    seeds = list(range(5))
    told = captioner.caption_features(FEATURES, tags=TAGS, count=2, seeds=seeds)
    assert told != captioner.caption_features(FEATURES[::-1].copy(), tags=TAGS, count=2, seeds=seeds)
    assert told != captioner.caption_features(FEATURES, tags=[["noon"]] * 5, count=2, seeds=seeds)
    assert captioner.caption_features(FEATURES[:1], tags=None, count=1, seeds=[0])
    assert prompt_for(["a", "b"]) == "Seen: a, b.\nCaption:" and prompt_for([]) == "Caption:"


def test_broken_folders_are_named(captioner: PocketCaptioner, tmp_path: Path) -> None:
    del captioner
    folder = tmp_path / "captioner"
    other = build_language_model(tmp_path / "other", ["one word"])
    with pytest.raises((ImpastoError, MissingPart)):
        PocketCaptioner(tmp_path / "nowhere")
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[:100])
    with pytest.raises(ImpastoError):
        PocketCaptioner(folder, language_model=language_model(other))
    (folder / WEIGHTS).write_bytes(whole)
    (folder / CONFIG).write_text('{"depth": 1}')
    with pytest.raises(ImpastoError, match="pocket captioner"):
        PocketCaptioner(folder, language_model=language_model(other))


@pytest.mark.skipif(not (SHIPPED / WEIGHTS).is_file(), reason="no weights in this clone")
def test_the_one_that_ships_is_small_enough_and_of_the_language_model_s_shape() -> None:
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 12 * 2**20
    weights, config = read_weights([SHIPPED / WEIGHTS]), CaptionerConfig(**json.loads((SHIPPED / CONFIG).read_text()))
    width, layers = 576, 30  # SmolLM2-135M's
    assert weights["prefix.outer.weight"].shape == (config.prefix * width, config.hidden)
    pairs = [value for name, value in weights.items() if name.startswith("lora.") and name.endswith("q_proj.lora_A.weight")]
    assert [tuple(value.shape) for value in pairs] == [(config.rank, width)] * layers

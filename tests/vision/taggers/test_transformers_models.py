"""A classifier of transformers with labels in words is a tagger."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.vision import tiny_transformers as tiny

from impasto.errors import ImpastoError
from impasto.vision.taggers.interface import EncodingTagger
from impasto.vision.taggers.load import load_tagger
from impasto.vision.taggers.transformers_models import TransformersTagger


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.tagger(tmp_path_factory.mktemp("taggers") / "tiny-tagger")


def pictures(count: int) -> list[Image.Image]:
    random = np.random.default_rng(3)
    return [Image.fromarray(random.integers(0, 256, (tiny.SIDE, tiny.SIDE, 3), dtype=np.uint8)) for _ in range(count)]


def test_probabilities_are_the_sigmoids_of_transformers_own_model(folder: Path) -> None:
    from transformers import AutoModelForImageClassification

    tagger: EncodingTagger = TransformersTagger(str(folder), device="cpu", batch=2)
    assert tagger.tags == ("boat", "stormy sea", "woman")
    assert tagger.name == "tiny-tagger" and len(tagger.identity) == 64
    plain: Any = AutoModelForImageClassification.from_pretrained(folder)
    pixels = np.stack([np.asarray(picture, np.float32) / 127.5 - 1 for picture in pictures(5)]).transpose(0, 3, 1, 2)
    with torch.no_grad():
        expected = torch.sigmoid(plain(pixel_values=torch.from_numpy(pixels)).logits).numpy()
    found = tagger.probabilities(pictures(5))
    assert found.dtype == np.float32 and np.allclose(found, expected, atol=1e-5)
    assert np.ptp(found, axis=0).min() > 0.01, "the pictures must matter"
    assert tagger.probabilities([]).shape == (0, 3)
    np.testing.assert_array_equal(tagger.probabilities_of(tagger.encoder.embed_images(pictures(5))), found)
    assert tagger.encoder.identity != tagger.identity and tagger.encoder.width == 3


def test_a_classifier_that_picks_one_label_of_many(tmp_path: Path) -> None:
    """As ImageNet's: a softmax; its labels name cranes twice, the bird and the machine."""
    from transformers import AutoModelForImageClassification

    folder = tiny.tagger(tmp_path / "imagenet", ("tabby, tabby cat", "crane", "wall_clock", "crane"), problem_type=None)
    tagger = load_tagger(str(folder))
    assert tagger.tags == ("tabby, tabby cat", "crane", "wall clock")
    plain: Any = AutoModelForImageClassification.from_pretrained(folder)
    pixels = np.stack([np.asarray(picture, np.float32) / 127.5 - 1 for picture in pictures(2)]).transpose(0, 3, 1, 2)
    with torch.no_grad():
        theirs = plain(pixel_values=torch.from_numpy(pixels)).logits.softmax(-1).numpy()
    expected = np.stack([theirs[:, 0], theirs[:, 1] + theirs[:, 3], theirs[:, 2]], axis=1)
    np.testing.assert_allclose(tagger.probabilities(pictures(2)), expected, atol=1e-5)
    np.testing.assert_allclose(tagger.probabilities(pictures(2)).sum(1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("clip", "holds a 'clip' model, which is not an image classifier: give it as --scorer, with --tagger zero-shot"),
        ("siglip", "give it as --scorer, with --tagger zero-shot"),
        ("blip", "give it as --captioner of `impasto data caption`"),
        ("vit_gpt2", "'vision-encoder-decoder' model, .*--captioner"),
        ("bert", "holds a 'bert' model, which is not an image classifier$"),
    ],
)
def test_a_model_for_another_option_is_named(kind: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match=says) as error:
        load_tagger(str(getattr(tiny, kind)(tmp_path / kind)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}, "names no tags"),
        ({"id2label": None}, "names no tags"),
        ({"id2label": {"first": "boat"}}, "names no tags"),
        ({"id2label": {"0": "boat", "2": "sea"}}, "a word for each number from 0 on"),
        ({"id2label": {"0": "boat", "1": "boat", "2": "sea"}}, "one tag twice"),
        ({"id2label": {"0": "red_boat", "1": "red boat", "2": "sea"}}, "one tag twice"),
        ({"id2label": {"0": "boat", "1": "sea"}}, "cannot be loaded as an image classifier"),
    ],
)
def test_what_gives_no_tags_is_refused(changes: dict[str, Any], message: str, folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, **changes}), "utf-8")
    with pytest.raises(ImpastoError, match=message) as error:
        TransformersTagger(str(tmp_path), device="cpu")
    assert "\n" not in str(error.value) and len(str(error.value)) < 500

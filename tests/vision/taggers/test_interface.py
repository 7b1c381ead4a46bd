"""A classifier with a probability for each label is a tagger."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.vision import tiny_transformers as tiny

from impasto.errors import ImpastoError
from impasto.vision.taggers.interface import Tagger, TransformersTagger


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.tagger(tmp_path_factory.mktemp("taggers") / "tiny-tagger")


def pictures(count: int) -> list[Image.Image]:
    random = np.random.default_rng(3)
    return [Image.fromarray(random.integers(0, 256, (tiny.SIDE, tiny.SIDE, 3), dtype=np.uint8)) for _ in range(count)]


def test_probabilities_are_the_sigmoids_of_transformers_own_model(folder: Path) -> None:
    from transformers import AutoModelForImageClassification

    tagger: Tagger = TransformersTagger(str(folder), device="cpu", batch=2)
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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problem_type": "single_label_classification"}, "problem_type is 'single_label_classification'"),
        ({"problem_type": None}, "problem_type is None"),
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

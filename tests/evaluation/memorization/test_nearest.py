import numpy as np
import pytest

from impasto.errors import ImpastoError
from impasto.evaluation.memorization.nearest import distance_ratios, further_right, nearest_training_pictures

TRAINING = np.random.default_rng(0).normal(size=(40, 16)).astype(np.float32)


def test_a_copy_is_found_and_its_ratio_is_small() -> None:
    copies, strangers = TRAINING[[3, 7]] + 1e-3, np.random.default_rng(1).normal(size=(30, 16)).astype(np.float32)
    found = nearest_training_pictures(copies, TRAINING)
    assert found.place.tolist() == [3, 7]
    assert found.cosine.min() > 0.999
    assert distance_ratios(copies, TRAINING).max() < 1 / 3
    ratios = distance_ratios(strangers, TRAINING)
    assert ratios.min() > 1 / 3
    assert ratios.max() <= 1


def test_ratios_are_those_of_plain_distances() -> None:
    pictures = np.random.default_rng(2).normal(size=(300, 16)).astype(np.float32)
    distances = np.sort(np.linalg.norm(pictures[:, None] - TRAINING, axis=2), axis=1)
    assert distance_ratios(pictures, TRAINING) == pytest.approx(distances[:, 0] / distances[:, 1], rel=1e-5)


def test_a_work_that_was_learned_twice_hides_its_copy() -> None:
    assert distance_ratios(TRAINING[:1] + 1e-3, np.concatenate([TRAINING, TRAINING[:1]])) == pytest.approx(1, abs=1e-2)


def test_features_that_cannot_be_compared_are_refused() -> None:
    for training in (TRAINING[:1], TRAINING[:, :3]):
        with pytest.raises(ImpastoError):
            distance_ratios(TRAINING, training)


def test_where_a_curve_lies_further_right() -> None:
    values = np.linspace(0, 1, 101)
    assert further_right(values + 0.1, values) == [50, 75, 95, 99]
    assert further_right(values, values) == []
    assert further_right(np.where(values > 0.9, values + 1, values), values) == [95, 99]

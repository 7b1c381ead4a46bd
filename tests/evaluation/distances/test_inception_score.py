import numpy as np
import pytest

from impasto.evaluation.distances.inception_score import inception_score


def test_certain_and_varied_is_the_number_of_classes_and_else_it_is_1() -> None:
    certain = 50.0 * np.eye(4)[np.arange(400) % 4]
    assert inception_score(certain, splits=1).mean == pytest.approx(4)
    assert inception_score(certain[::4], splits=2).mean == pytest.approx(1)
    assert inception_score(np.zeros((40, 4)), splits=2).mean == pytest.approx(1)


def test_splits_and_contributions() -> None:
    logits = np.random.default_rng(0).standard_normal((400, 5)) * 2
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    whole = inception_score(logits, splits=1)
    divergence = (p * np.log(p / p.mean(0))).sum(1)
    assert whole.mean == pytest.approx(np.exp(divergence.mean())) and whole.deviation == 0
    assert np.sort(whole.contributions) == pytest.approx(np.sort(whole.mean * (divergence - divergence.mean())))
    assert inception_score(logits, splits=4).deviation > 0

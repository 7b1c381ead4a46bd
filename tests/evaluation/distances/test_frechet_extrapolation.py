import numpy as np
import pytest

from impasto.evaluation.distances.frechet import frechet_distance
from impasto.evaluation.distances.frechet_extrapolation import frechet_at_infinity

pytest.importorskip("scipy")


def test_the_bias_of_few_pictures_goes() -> None:
    """Two sets of one distribution are at distance 0; at n pictures they seem apart."""
    rng = np.random.default_rng(0)
    ours, theirs = rng.standard_normal((300, 16)), rng.standard_normal((250, 16))
    at_n = frechet_distance(ours, theirs)
    found = frechet_at_infinity(ours, theirs)
    assert at_n > 0.5
    assert abs(found.distance) < at_n / 3
    assert 0 < found.deviation < at_n / 2


def test_a_known_distance_is_met_and_the_seed_decides() -> None:
    rng = np.random.default_rng(1)
    ours, theirs = rng.standard_normal((400, 8)), 2 * rng.standard_normal((400, 8)) + 1
    found = frechet_at_infinity(ours, theirs, seed=3)
    assert found.distance == pytest.approx(8 + 8, rel=0.1)
    assert frechet_at_infinity(ours, theirs, seed=3) == found
    assert frechet_at_infinity(ours, theirs, seed=4) != found

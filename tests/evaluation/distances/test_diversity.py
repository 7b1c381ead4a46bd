from itertools import combinations

import numpy as np
import pytest

from impasto.errors import ImpastoError
from impasto.evaluation.distances.diversity import diversity


def test_it_is_the_mean_distance_of_all_pairs() -> None:
    rows = np.random.default_rng(0).standard_normal((30, 6)).astype(np.float32)
    found = diversity(rows)
    assert found.value == pytest.approx(np.mean([np.linalg.norm(a - b) for a, b in combinations(rows, 2)]), rel=1e-6)
    assert found.low is not None and found.high is not None and found.low < found.value < found.high
    assert found.pictures == 30


def test_copies_have_none_and_one_picture_has_no_pairs() -> None:
    assert diversity(np.full((5, 3), 0.7, np.float32)).value == pytest.approx(0, abs=1e-6)
    with pytest.raises(ImpastoError):
        diversity(np.ones((1, 3)))

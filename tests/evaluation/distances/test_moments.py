"""Means and covariances added up in parts: against numpy, with offsets that cost a naive sum its digits, and in memory."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from impasto.errors import ImpastoError
from impasto.evaluation.distances.frechet import fit_gaussian, frechet_between, gaussian_of
from impasto.evaluation.distances.moments import Moments


def _rows(count: int, width: int, offset: float) -> np.ndarray:
    rng = np.random.default_rng(count + width)
    return rng.standard_normal((count, width)) @ rng.standard_normal((width, width)) + offset


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e7])
@pytest.mark.parametrize("part", [1, 7, 300])
def test_parts_have_the_mean_and_the_covariance_of_the_whole(offset: float, part: int) -> None:
    rows = _rows(1000, 5, offset)
    found = Moments.of(rows[start : start + part] for start in range(0, len(rows), part))
    centred = rows - offset  # what numpy computes on this has no offset to lose digits by
    spread = np.abs(np.cov(centred.T)).max()
    np.testing.assert_allclose(found.covariance, np.cov(centred.T), rtol=0, atol=spread * (1e-13 + 1e-16 * offset))
    np.testing.assert_allclose(found.mean, rows.mean(0), rtol=1e-14, atol=1e-14)
    assert found.count == 1000


def test_a_sum_of_squares_would_fail_where_this_does_not() -> None:
    rows = _rows(1000, 3, 1e8)
    naive = (rows.T @ rows - len(rows) * np.outer(rows.mean(0), rows.mean(0))) / (len(rows) - 1)
    true = np.cov((rows - 1e8).T)
    assert np.abs(naive - true).max() > 0.1 * np.abs(true).max()
    assert np.abs(Moments.of([rows]).covariance - true).max() < 1e-6 * np.abs(true).max()


def test_parts_of_several_processes_are_merged_in_any_grouping() -> None:
    rows = _rows(900, 4, 50.0)
    first, second, third, nothing = Moments.of([rows[:10]]), Moments.of([rows[10:500]]), Moments.of([rows[500:]]), Moments(4)
    first.merge(nothing)
    third.merge(second)
    nothing.merge(first)
    nothing.merge(third)
    whole = fit_gaussian(rows)
    found = gaussian_of(nothing)
    np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-14)
    np.testing.assert_allclose(found.covariance, whole.covariance, rtol=1e-12)
    assert frechet_between(found, whole).distance < 1e-9


def test_what_has_no_covariance_is_one_sentence() -> None:
    with pytest.raises(ImpastoError, match="no features"):
        Moments.of([])
    with pytest.raises(ImpastoError, match="at least 2 pictures, not 1"):
        _ = Moments.of([np.ones((1, 3))]).covariance
    broken = np.ones((5, 3))
    broken[4, 1] = np.inf
    with pytest.raises(ImpastoError, match="not finite"), np.errstate(invalid="ignore"):
        gaussian_of(Moments.of([broken]))


def test_a_million_rows_take_the_memory_of_a_few_thousand() -> None:
    width, block = 24, _rows(10_000, 24, 3.0).astype(np.float32)

    def parts() -> Iterator[np.ndarray]:
        for number in range(100):
            yield block + np.float32(number % 2)

    tracemalloc.start()
    try:
        found = Moments.of(parts())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.count == 1_000_000
    assert most < 8 * 2**20  # the rows are 96 MB in float32
    # Half of the blocks lie 1 higher: the covariance gains 1/4 everywhere.
    plain = np.cov(block.T.astype(np.float64), bias=True) + 0.25
    np.testing.assert_allclose(found.covariance, plain * 1e6 / (1e6 - 1), rtol=1e-4, atol=1e-4)
    assert width == len(found.mean)

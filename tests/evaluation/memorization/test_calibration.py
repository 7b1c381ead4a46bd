import numpy as np
import pytest

from impasto.errors import UsageError
from impasto.evaluation.memorization.calibration import HIGHEST_THRESHOLD, USUAL_THRESHOLD, Calibration


def calibration(similarities: np.ndarray) -> Calibration:
    return Calibration(similarities.astype(np.float32), np.zeros(len(similarities), np.bool_))


@pytest.mark.parametrize(("share", "allowed"), [(0.005, 5), (0.01, 10), (0.5, 500), (0.0019, 1)])
def test_so_many_real_works_reach_the_threshold_and_no_more(share: float, allowed: int) -> None:
    known = calibration(np.random.default_rng(0).permutation(np.linspace(0.2, 0.9, 1000)))
    threshold = known.threshold(share)
    assert (known.similarities >= threshold.value).sum() == allowed == threshold.reached_by
    assert threshold.works == 1000 and f"{allowed} of 1000 held-out real works" in str(threshold)


def test_fewer_works_than_the_share_asks_for_take_the_usual_threshold() -> None:
    assert calibration(np.full(199, 0.3)).threshold(0.005).value == USUAL_THRESHOLD
    told = Calibration().threshold(0.005)
    assert told.works == 0 and "fewer than 200 real works" in str(told)
    assert calibration(np.full(200, 0.3)).threshold(0.005).value == pytest.approx(0.3)


def test_a_catalogue_that_has_many_works_twice_does_not_hide_copies() -> None:
    threshold = calibration(np.r_[np.full(100, 1.0), np.full(100, 0.4)]).threshold(0.01)
    assert threshold.value == HIGHEST_THRESHOLD and threshold.reached_by == 100


@pytest.mark.parametrize("share", [0, -1, 0.6, float("nan")])
def test_shares_that_are_none(share: float) -> None:
    with pytest.raises(UsageError, match="--false-alarms"):
        calibration(np.full(10, 0.3)).threshold(share)


def test_quantiles() -> None:
    assert calibration(np.linspace(0, 1, 101)).quantiles((0.5,)) == {0.5: pytest.approx(0.5)}
    assert Calibration().quantiles() == {}

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.evaluation import judgement
from impasto.evaluation.estimate import Estimate, Refused
from impasto.evaluation.features import FeatureSet
from impasto.evaluation.judgement import MEASURES, Judging, is_fid, judge

pytest.importorskip("scipy")


class Eye:
    name, identity, width = "drawn", "0" * 64, 4

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        raise NotImplementedError


def gaussian(count: int, seed: int, shift: float = 0.0, width: int = 4) -> FeatureSet:
    rows = (np.random.default_rng(seed).standard_normal((count, width)) + shift).astype(np.float32)
    entry = CatalogueEntry(Path("x.png"), "x.png")
    return FeatureSet(f"set {seed}", rows, [entry] * count, Eye.name, Eye.identity)


def value(measures: dict[str, Any], name: str) -> float:
    assert isinstance(measures[name], Estimate), measures[name]
    return measures[name].value


def test_all_measures_tell_near_from_far() -> None:
    real = gaussian(400, 0)
    near, far = judge(gaussian(300, 1), real, Eye(), Judging()), judge(gaussian(300, 2, 1.0), real, Eye(), Judging())
    assert list(near) == ["frechet", "frechet_infinite", "kernel", "precision", "recall", "density", "coverage",
                          "inception_score", "diversity"]  # fmt: skip
    for name in ("frechet", "frechet_infinite", "kernel"):
        assert value(near, name) < value(far, name)
    for name in ("precision", "recall", "density", "coverage"):
        assert value(near, name) > value(far, name)
    for name, measured in near.items():
        if name == "inception_score":
            assert isinstance(measured, Refused) and "--features inception" in measured.reason
        else:
            assert isinstance(measured, Estimate) and measured.low is not None and measured.high is not None
            assert measured.low <= measured.value <= measured.high
            assert measured.pictures == (400 if name in ("recall", "coverage") else 300)
    # Two shifted unit Gaussians: the squared shift, 4 x 1.
    at_infinity = far["frechet_infinite"]
    assert isinstance(at_infinity, Estimate) and at_infinity.low is not None and at_infinity.high is not None
    assert at_infinity.low < 4 < at_infinity.high


def test_too_few_pictures_are_refused_measure_by_measure_and_given_when_told() -> None:
    ours, real = gaussian(12, 0, width=8), gaussian(100, 1, width=8)
    refused = judge(ours, real, Eye(), Judging())
    reasons = {name: measured.reason for name, measured in refused.items() if isinstance(measured, Refused)}
    assert reasons["kernel"] == "needs 50 pictures a side, not 12: --allow-few gives it anyway"
    assert {"precision", "recall", "density", "coverage", "frechet_infinite"} < set(reasons)
    assert isinstance(refused["frechet"], Estimate) and isinstance(refused["diversity"], Estimate)
    given = judge(ours, real, Eye(), Judging(allow_few=True))
    assert [name for name, measured in given.items() if isinstance(measured, Refused)] == ["inception_score"]
    assert isinstance(given["frechet_infinite"], Estimate) and "not to be trusted" in given["frechet_infinite"].note


def test_fewer_pictures_than_features_have_a_distance_without_an_interval() -> None:
    ours, real = gaussian(6, 0, width=8), gaussian(100, 1, width=8)
    assert isinstance(judge(ours, real, Eye(), Judging(("frechet",)))["frechet"], Refused)
    found = judge(ours, real, Eye(), Judging(("frechet",), allow_few=True))
    assert isinstance(found["frechet"], Estimate) and found["frechet"].low is None
    assert "not more pictures than the 8 features" in found["frechet"].note
    assert isinstance(found["frechet_infinite"], Refused)
    few = judge(gaussian(4, 0), gaussian(4, 1), Eye(), Judging(("precision",), allow_few=True))
    assert isinstance(few["recall"], Refused) and "more than 5 pictures" in few["recall"].reason


def test_only_what_was_asked_for_is_measured() -> None:
    ours, real = gaussian(60, 0), gaussian(60, 1)
    assert list(judge(ours, real, Eye(), Judging(("density",)))) == ["density", "coverage"]
    assert list(judge(ours, real, Eye(), Judging(("similarity", "style")))) == []
    assert judge(ours, real, Eye(), Judging(MEASURES, seed=5)) == judge(ours, real, Eye(), Judging(MEASURES, seed=5))


def test_the_inception_score_and_the_name_fid_are_inceptions_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fid(Eye):
        is_fid = True

        def logits(self, features: np.ndarray) -> np.ndarray:
            return features

    monkeypatch.setattr("impasto.vision.features.inception.InceptionFeatures", Fid)
    monkeypatch.setattr(judgement, "FEWEST_SCORED", 40)
    ours = gaussian(60, 0)
    assert is_fid(Fid()) and not is_fid(Eye())
    assert 1 < value(judge(ours, ours, Fid(), Judging(("inception-score",))), "inception_score") < 4
    few = judge(gaussian(9, 0), ours, Fid(), Judging(("inception-score",)))["inception_score"]
    assert isinstance(few, Refused) and "needs 40 pictures" in few.reason
    least = judge(gaussian(9, 0), ours, Fid(), Judging(("inception-score",), allow_few=True))["inception_score"]
    assert isinstance(least, Refused) and "needs 10 paintings" in least.reason

"""Computes all measures of a set of paintings against real pictures, each with an interval or the reason for its absence."""

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from impasto.errors import ImpastoError
from impasto.evaluation.distances.diversity import diversity
from impasto.evaluation.distances.frechet import fit_gaussian, frechet_between, frechet_contributions
from impasto.evaluation.distances.frechet_extrapolation import SMALLEST, frechet_at_infinity
from impasto.evaluation.distances.inception_score import SPLITS, inception_score
from impasto.evaluation.distances.kernel_distance import kernel_distance
from impasto.evaluation.distances.precision_recall import compare_manifolds
from impasto.evaluation.estimate import LEVEL, Estimate, Measured, Refused, bootstrap_interval, estimate_mean
from impasto.evaluation.features import FeatureSet
from impasto.vision.scorers.interface import ImageEncoder

if TYPE_CHECKING:
    from impasto.vision.features.inception import InceptionFeatures

# The measures that a user can request; precision includes recall, and density includes coverage.
MEASURES = ("frechet", "kernel", "precision", "density", "inception-score", "diversity", "similarity", "style")
FEWEST = 50  # pictures a side for distances and neighbours; their intervals mean little below that
FEWEST_SCORED = 1000  # paintings for the Inception score, which has 1,008 classes
_ANYWAY = "--allow-few gives it anyway"


@dataclass(frozen=True)
class Judging:
    """Options of `judge`.

    Attributes:
        measures: which of `MEASURES` to compute.
        allow_few: computes a measure even if there are fewer pictures than it needs.
        seed: seed of all random draws.
    """

    measures: tuple[str, ...] = MEASURES
    allow_few: bool = False
    seed: int = 0


def is_fid(extractor: ImageEncoder) -> bool:
    """Returns whether distances on the extractor's features may be called FID and KID."""
    inception = _inception(extractor)
    return inception is not None and inception.is_fid


def _inception(extractor: ImageEncoder) -> "InceptionFeatures | None":
    from impasto.vision.features.inception import InceptionFeatures

    return extractor if isinstance(extractor, InceptionFeatures) else None


def judge(paintings: FeatureSet, real: FeatureSet, extractor: ImageEncoder, judging: Judging) -> dict[str, Measured]:
    """Computes all of `judging.measures` that compare features.

    Returns:
        Name of the measure -> its value or refusal, in the order of printing.

    Raises:
        ImpastoError: the features of the two sets are from different extractors.
        MissingPart: SciPy is not installed.
    """
    paintings.check_comparable(real)
    ours, theirs = paintings.rows, real.rows
    found: dict[str, Measured] = {}
    if "frechet" in judging.measures:
        found |= _frechet(ours, theirs, judging)
    few = _few(ours, theirs, FEWEST, judging)
    if "kernel" in judging.measures:
        found["kernel"] = few or _kernel(ours, theirs, judging.seed)
    wanted = [
        name
        for measure, names in (("precision", ("precision", "recall")), ("density", ("density", "coverage")))
        if measure in judging.measures
        for name in names
    ]
    if wanted:
        found |= dict.fromkeys(wanted, few) if few else _manifolds(ours, theirs, wanted, judging.seed)
    if "inception-score" in judging.measures:
        found["inception_score"] = _inception_score(ours, extractor, judging)
    if "diversity" in judging.measures:
        among_real = f"{diversity(theirs).value:.4g} among the real pictures"
        found["diversity"] = replace(diversity(ours, seed=judging.seed), note=among_real)
    return found


def _few(ours: np.ndarray, theirs: np.ndarray, fewest: int, judging: Judging) -> Refused | None:
    count = min(len(ours), len(theirs))
    if count >= fewest or judging.allow_few:
        return None
    return Refused(f"needs {fewest} pictures a side, not {count}: {_ANYWAY}")


def _frechet(ours: np.ndarray, theirs: np.ndarray, judging: Judging) -> dict[str, Measured]:
    width = ours.shape[1]
    refused = _few(ours, theirs, width + 1, judging)
    if refused:
        return {"frechet": refused, "frechet_infinite": refused}
    first, second = fit_gaussian(ours), fit_gaussian(theirs)
    whole = frechet_between(first, second)
    contributions = None
    note = f"rounding at most {whole.error:.0e}"
    if first.has_full_rank and second.has_full_rank:
        try:
            contributions = frechet_contributions(ours, theirs, first, second)
        except ImpastoError as error:
            note += f"; no interval: {error}"
    else:
        note += f"; no interval: not more pictures than the {width} features"
    ends = bootstrap_interval(whole.distance, *contributions, seed=judging.seed) if contributions else (None, None)
    at_n = Estimate(whole.distance, *ends, len(ours), note)
    enough = math.floor(width / SMALLEST)
    beyond = _few(ours, theirs, enough + 1, judging)
    if beyond or contributions is None:
        reason = beyond or Refused(f"no line leads there from so few: needs more than {enough} pictures a side")
        return {"frechet": at_n, "frechet_infinite": reason}
    at_infinity = frechet_at_infinity(ours, theirs, seed=judging.seed)
    value = at_infinity.distance
    low, high = bootstrap_interval(value, *contributions, seed=judging.seed)
    # Two sources of chance: the pictures (covered by the bootstrap) and the choice of the line's subsets.
    line = NormalDist().inv_cdf((1 + LEVEL) / 2) * at_infinity.deviation
    low, high = value - math.hypot(value - low, line), value + math.hypot(high - value, line)
    doubt = "" if min(len(ours), len(theirs)) > enough else f"not to be trusted: needs more than {enough} pictures a side"
    return {"frechet": at_n, "frechet_infinite": Estimate(value, low, high, len(ours), doubt)}


def _kernel(ours: np.ndarray, theirs: np.ndarray, seed: int) -> Estimate:
    found = kernel_distance(ours, theirs)
    ends = bootstrap_interval(found.mean, found.ours, found.theirs, seed=seed)
    return Estimate(found.mean, *ends, len(ours), f"deviation over subsets {found.deviation:.2g}")


def _manifolds(ours: np.ndarray, theirs: np.ndarray, wanted: list[str], seed: int) -> dict[str, Measured]:
    try:
        found = compare_manifolds(ours, theirs)
    except ImpastoError as error:
        return dict.fromkeys(wanted, Refused(str(error)))
    return {name: estimate_mean(getattr(found, name).astype(float), seed=seed) for name in wanted}


def _inception_score(ours: np.ndarray, extractor: ImageEncoder, judging: Judging) -> Measured:
    inception = _inception(extractor)
    if inception is None:
        return Refused("is defined on Inception's classes: use --features inception")
    refused = _few(ours, ours, FEWEST_SCORED, judging)
    if refused or len(ours) < SPLITS:
        return refused or Refused(f"needs {SPLITS} paintings")
    found = inception_score(inception.logits(ours))
    ends = bootstrap_interval(found.mean, found.contributions, seed=judging.seed)
    return Estimate(found.mean, *ends, len(ours), f"deviation over splits {found.deviation:.2g}")


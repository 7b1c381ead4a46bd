"""The names of the measures for people, and which direction is better. Nothing here needs numpy, so help stays quick."""

LABELS = {
    "frechet": "Fréchet distance",
    "frechet_infinite": "Fréchet distance at infinitely many",
    "kernel": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "inception_score": "Inception score",
    "diversity": "diversity",
    "similarity": "similarity to the prompt",
    "style": "looks like the artist asked for",
}
# Names that are only correct for Inception with the FID weights.
FID_LABELS = {"frechet": "FID", "frechet_infinite": "FID at infinitely many", "kernel": "KID"}
LESS_IS_BETTER = ("frechet", "frechet_infinite", "kernel")
MORE_IS_BETTER = ("precision", "recall", "density", "coverage", "inception_score", "similarity", "style")


def label(measure: str, *, is_fid: bool = False) -> str:
    """Returns the measure's name; FID and KID only for features on which the distances are these."""
    return (FID_LABELS if is_fid else {}).get(measure, LABELS.get(measure, measure))


def direction(measure: str) -> str:
    """Returns "less is better", "more is better", or "" for a measure without a best direction, such as diversity."""
    if measure in LESS_IS_BETTER:
        return "less is better"
    return "more is better" if measure in MORE_IS_BETTER else ""

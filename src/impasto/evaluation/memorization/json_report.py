"""Converts the report on copies to plain values for JSON."""

from typing import Any

from impasto.evaluation.memorization.search import MemorizationReport, Pair


def copies_json(report: MemorizationReport) -> dict[str, Any]:
    """Returns the whole report as JSON types; similarities have four decimals."""
    threshold = report.threshold
    return {
        "paintings": str(report.paintings),
        "training": str(report.training),
        "training_pictures": report.training_pictures,
        "features": report.features,
        "index": report.index,
        "threshold": round(threshold.value, 4),
        "false_alarms": threshold.false_alarms,
        "held_out": {
            "works": len(report.calibration.similarities),
            "reaching_the_threshold": int((report.calibration.similarities >= threshold.value).sum()),
            "nearest_by_the_same_artist": int(report.calibration.same_artist.sum()),
            "quantiles": {f"{q:g}": round(value, 4) for q, value in report.calibration.quantiles().items()},
            "measured": bool(threshold.works),
        },
        "copies": len(report.copies),
        "pairs": [_pair(pair) for pair in report.pairs],
        "skipped": [vars(skipped) for skipped in report.skipped],
    }


def _pair(pair: Pair) -> dict[str, Any]:
    match, where = pair.match, pair.match.alignment
    return {
        "painting": pair.painting.file_name,
        "training_picture": match.training.file_name,
        "artist": match.training.artist,
        "title": match.training.title,
        "similarity": round(match.similarity, 4),
        "feature_cosine": round(match.feature_cosine, 4),
        "copy": pair.copy,
        "mirrored": where.mirrored,
        "part": {name: round(getattr(where, name), 3) for name in ("left", "top", "width", "height")},
    }

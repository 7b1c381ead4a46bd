"""`impasto evaluate PAINTINGS --memorization CATALOGUE`: tests whether the paintings are copies of training pictures."""

from pathlib import Path
from typing import TYPE_CHECKING

from impasto.cli.console import say, say_json, say_table
from impasto.cli.run_job import run_job

if TYPE_CHECKING:
    from impasto.evaluation.memorization.search import MemorizationReport

_LISTED = 10


def evaluate_copies(
    paintings: Path,
    training: Path,
    *,
    out: Path | None,
    overwrite: bool,
    features: str,
    false_alarms: float | None,
    as_json: bool,
) -> None:
    """Prints the most similar pairs and the number of copies; see `MemorizationJob`."""
    from impasto.evaluation.memorization.json_report import copies_json
    from impasto.jobs.judging.memorization import MemorizationJob

    job = MemorizationJob(
        paintings=paintings, training=training, out=out, overwrite=overwrite, features=features, false_alarms=false_alarms
    )
    report = run_job(job, begin="comparing")
    if as_json:
        say_json(copies_json(report))
    else:
        _say(report, out)


def _say(report: "MemorizationReport", out: Path | None) -> None:
    rows = []
    for pair in report.pairs[:_LISTED]:
        verdict = "copy" if pair.copy else "-"
        rows.append((f"{pair.match.similarity:.3f}", verdict, pair.painting.file_name, pair.match.training.file_name))
    say_table(("similarity", "", "painting", "nearest training picture"), rows)
    count, copies = len(report.pairs), len(report.copies)
    looks = f"painting{'' if count == 1 else 's'} {'looks' if copies == 1 else 'look'}"
    say(f"{copies} of {count} {looks} like a copy of one of {report.training_pictures} training pictures")
    say(f"threshold {report.threshold}")
    if out is not None:
        say(out)

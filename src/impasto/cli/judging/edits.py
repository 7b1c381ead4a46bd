"""`impasto evaluate --edits`: prints the measures of edited pictures, as the survey's tables have them."""

import sys
from pathlib import Path

from impasto.cli.console import say, say_json, say_note, say_table
from impasto.cli.run_job import run_job
from impasto.errors import UsageError

_HEADER = ("method", "pictures", "precision", "best precision", "diversity", "s an image", "s a batch", "s each in it",
           "directional", "background, dB")  # fmt: skip


def evaluate_edits(
    folder: Path, *, scorer: str | None, source: Path | None, describe: str, timed: bool, out: Path | None, device: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Runs the job, and prints a row for each method."""
    from impasto.jobs.judging.edits import EvaluateEditsJob, report_rows

    job = EvaluateEditsJob(
        folder=folder, scorer=scorer, source=source, describe=describe, timed=timed, out=out, device=device
    )
    found = run_job(job, begin="looking at pictures")
    methods = report_rows(found.methods, found.times)
    if as_json:
        say_json({"folder": found.folder, "scorer": found.scorer, "methods": methods, "report": found.report})
        return
    rows = []
    for one in methods:
        took = one["seconds"] or {}
        psnr = "exact" if one["is_exact"] else _number(one["psnr"], ".1f")
        times = (_number(took.get(name), ".2f") for name in ("single", "batch", "each"))
        counts = f"{one['pictures']} in {one['batches']}"
        precise = f"{one['precision']:.1%}", f"{one['best_precision']:.0%}"
        diverse, directional = (_number(one[name], ".3f") for name in ("diversity", "directional"))
        rows.append((one["method"], counts, *precise, diverse, *times, directional, psnr))
    say_table(_HEADER, rows if sys.stdout.isatty() else [_HEADER, *rows])
    say_note(f"precision by {found.scorer}; diversity on EfficientNet-Lite2's features, which is no LPIPS")
    say(f"{found.report}  {found.rows}")


def check_no_edits(describe: str, source: Path | None, no_time: bool) -> None:
    """Raises UsageError if an option of --edits is given without it."""
    for option, given in (("--describe", describe), ("--source", source), ("--no-time", no_time)):
        if given:
            raise UsageError(f"{option} goes with --edits FOLDER")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)

"""`impasto data filter`: drops pictures whose captions do not match them, and pictures of those who opted out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import say, say_json, say_note, say_table
from impasto.cli.run_job import run_job

if TYPE_CHECKING:
    from impasto.data.annotations.filtering import FilterOutcome
    from impasto.data.annotations.opting_out import OptedOut


def filter_pairs(
    catalogue: Annotated[Path, typer.Argument(help="A folder of pictures with captions.", metavar="CATALOGUE")],
    below: Annotated[
        float | None, typer.Option(help="Drop pairs less similar than this; the scorer's own threshold if not given.")
    ] = None,
    scorer: Annotated[
        str | None,
        typer.Option(
            help="What compares texts and pictures: pocket, clip, siglip, or a folder or hub name.", metavar="NAME|DIR"
        ),
    ] = None,
    show: Annotated[int, typer.Option(min=0, help="How many of the dropped ones to list, the worst first.")] = 20,
    opt_out: Annotated[
        Path | None,
        typer.Option(
            help="Leave out, now and in later imports, what FILE names: an artist, a file's hash or an address per line. "
            "Captions are then compared only with --below or --scorer.",
            metavar="FILE",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be dropped.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every pair as JSON, the least similar first.")] = False,
) -> None:
    """Drop pictures whose caption does not fit them; run again with another --below at no cost. Persons win."""
    from impasto.jobs.data.filter import Filtered, FilterJob

    filtered: Filtered = run_job(
        FilterJob(catalogue=catalogue, below=below, scorer=scorer, opt_out=opt_out, dry_run=dry_run), begin="comparing"
    )
    outcome, opted_out = filtered.outcome, filtered.opted_out
    if as_json:
        pairs = {} if outcome is None else _as_json(outcome, filtered.scorer)
        say_json(pairs if opted_out is None else {**pairs, "opted_out": _opted_out_as_json(opted_out)})
        return
    if opted_out is not None:
        would = "would be " if dry_run else ""
        before = f", {opted_out.before} were before" if opted_out.before else ""
        say(
            f"{opted_out.rules} opt-out rules, {opted_out.new} of them new; "
            f"{len(opted_out.removed)} pictures {would}left out{before}, {opted_out.left} stay{_otherwise(opted_out)}"
        )
    if outcome is None:
        return
    rows = [(f"{pair.similarity:.3f}", pair.file_name, pair.caption) for pair in outcome.dropped[:show]]
    say_table(("similarity", "picture", "caption"), rows)
    say(_summary(outcome, filtered.scorer, dry_run))
    if outcome.uncaptioned and not outcome.judged:
        say_note("no picture has a caption: `impasto data caption` writes them")


def _summary(outcome: "FilterOutcome", scorer: str, dry_run: bool) -> str:
    by_person = outcome.kept_by_person
    parts = [
        f"{outcome.kept_pairs} kept" + (f" ({by_person} by a person)" if by_person else ""),
        f"{outcome.dropped_pairs} {'would be ' if dry_run else ''}dropped below {outcome.threshold:g} by {scorer}",
    ]
    if outcome.uncaptioned:
        parts.append(f"{outcome.uncaptioned} without a caption are not judged")
    return ", ".join(parts)


def _otherwise(opted_out: "OptedOut") -> str:
    reasons = [f"{count} {reason}" for reason, count in opted_out.otherwise.items()]
    return f" (not counting {', '.join(reasons)})" if reasons else ""


def _opted_out_as_json(opted_out: "OptedOut") -> dict[str, object]:
    return {
        "rules": opted_out.rules,
        "new": opted_out.new,
        "left_out_before": opted_out.before,
        "left": opted_out.left,
        "not_used_otherwise": opted_out.otherwise,
        "removed": [vars(row) for row in opted_out.removed],
        "unknown": [vars(row) for row in opted_out.unknown],
        "near": [vars(row) for row in opted_out.near],
        "not_understood": [vars(row) for row in opted_out.not_understood],
    }


def _as_json(outcome: "FilterOutcome", scorer: str) -> dict[str, object]:
    return {
        "scorer": scorer,
        "threshold": outcome.threshold,
        "kept": outcome.kept_pairs,
        "dropped": outcome.dropped_pairs,
        "without_caption": outcome.without_caption,
        "pairs": [vars(pair) for pair in outcome.judged],
        "skipped": [vars(skipped) for skipped in outcome.report.skipped],
        "warnings": [vars(warning) for warning in outcome.report.warnings],
    }

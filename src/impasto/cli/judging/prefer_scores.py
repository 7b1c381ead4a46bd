"""`impasto prefer --scores LOGS`: prints the preference scores from votes, separately for each question."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.cli.console import say, say_json, say_note, say_table
from impasto.cli.run_job import run_job

if TYPE_CHECKING:
    from impasto.evaluation.preference.scores import JudgeRecord, PreferenceReport

_PAIRS_SHOWN = 15


def print_scores(logs: list[Path], question: str | None, *, regularize: bool, seed: int, as_json: bool) -> None:
    """Computes and prints the scores; see `PreferenceScoresJob`."""
    from impasto.jobs.judging.scores import PreferenceScoresJob

    job = PreferenceScoresJob(logs=tuple(logs), question=question, regularize=regularize, seed=seed)
    reports = run_job(job, begin="counting")
    if as_json:
        say_json({"logs": [str(path) for path in logs], "questions": [asdict(report) for report in reports]})
        return
    for report in reports:
        _print(report)


def _print(report: "PreferenceReport") -> None:
    judges = f"{len(report.judges)} judge{'' if len(report.judges) == 1 else 's'}"
    say(f"{report.question} {report.votes} vote{'' if report.votes == 1 else 's'} by {judges}")
    _table(
        ("folder", "score", "won", "votes"),
        [
            (one.folder, _number(one.score, one.low, one.high, "+.2f"), f"{one.share:.0%}", f"{one.votes}")
            for one in report.folders
        ],
    )
    _table(
        ("two folders", "first is preferred", "first : second : ties"),
        [
            (
                f"{pair.first} to {pair.second}",
                _number(pair.chance, pair.low, pair.high, ".0%"),
                f"{pair.first_wins} : {pair.second_wins} : {pair.ties}",
            )
            for pair in report.pairs[:_PAIRS_SHOWN]
        ],
    )
    _table(
        ("judge", "votes", "chose left", "same answer again", "could not say", "seconds"),
        [_judge_row(judge) for judge in report.judges],
    )
    if len(report.pairs) > _PAIRS_SHOWN:
        say_note(f"{len(report.pairs)} pairs of folders in all: --json has them")
    for reason in report.refused:
        say_note(f"no scores: {reason}")
    if report.refused and not report.regularized:
        say_note("more votes may settle it; --regularize adds a tie for each two folders that were compared")
    if not report.refused:
        say_note("scores are log odds with mean 0 (Bradley-Terry; a tie is half a win for both): 1.1 more wins 3 to 1")
    if report.regularized:
        say_note("regularized: one tie is added for each two folders that were compared")
    if report.resampled:
        say_note(f"intervals of {report.level:.0%}: bootstrap over {report.resampled}")
    for note in report.notes:
        say_note(note)


def _judge_row(judge: "JudgeRecord") -> tuple[str, ...]:
    return (
        judge.judge,
        f"{judge.votes}",
        _number(judge.left_share, judge.left_low, judge.left_high, ".0%"),
        f"{judge.agreed} of {judge.repeated}" if judge.repeated else "-",
        f"{judge.ties}",
        f"{judge.seconds:.1f}",
    )


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    # Through a pipe, a table has no header, but three consecutive tables need one each.
    say_table(header, rows if sys.stdout.isatty() else [header, *rows])


def _number(value: float | None, low: float | None, high: float | None, form: str) -> str:
    if value is None:
        return "-"
    return f"{value:{form}}" + (f" [{low:{form}}, {high:{form}}]" if low is not None and high is not None else "")

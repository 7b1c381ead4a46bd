"""`impasto reproduce`: reproduces a paper's table and figures with one command; the same command resumes after a stop."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import one_line, say, say_table
from impasto.cli.run_job import run_job
from impasto.cli.train.line import PipedLine, TrainingLine
from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.jobs.events import Progress
    from impasto.jobs.judging.reproduce import ReproduceJob

reproduce = typer.Typer(help="A paper's table and figures, from one command. Give the same command again to go on.")

Catalogue = Annotated[Path, typer.Option(help="A folder of real paintings with metadata.", metavar="DIR")]
Checkpoint = Annotated[str, typer.Option(help="What is retrained, as `paint` takes it.", metavar="NAME")]
Quick = Annotated[bool, typer.Option("--quick", help="A small version, in under an hour on two cores.")]
Minutes = Annotated[float | None, typer.Option(help="Of each retraining.", show_default="the recipe's epochs; quick: a few")]
Paintings = Annotated[int | None, typer.Option(min=1, help="In each set.", show_default="the protocol's")]
Sampler = Annotated[str | None, typer.Option(help="As `paint` takes it.", show_default="the protocol's")]
Steps = Annotated[int | None, typer.Option(help="Of the sampler.", show_default="the protocol's")]
Guidance = Annotated[float | None, typer.Option(help="0 to 50.", show_default="the protocol's")]
Precision = Annotated[str, typer.Option(help="Of the retraining: fp32, bf16 or fp16.", show_default="the recipe's")]


@reproduce.callback(invoke_without_command=True)
def _reproduce(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@reproduce.command()
def wang2023(
    context: typer.Context,
    catalogue: Catalogue,
    checkpoint: Checkpoint = "pocket",
    quick: Quick = False,
    out: Annotated[Path, typer.Option(help="The folder of all that is made.", metavar="DIR")] = Path("reports/wang2023"),
    artists: Annotated[
        str | None, typer.Option(help="Other artists, by the catalogue's names, with commas between.", metavar="NAMES")
    ] = None,
    minutes: Minutes = None,
    paintings: Paintings = None,
    runs: Annotated[
        list[str] | None, typer.Option(help="An artist's retrained checkpoint that is there already.", metavar="ARTIST=RUN")
    ] = None,
    sampler: Sampler = None,
    steps: Steps = None,
    guidance: Guidance = None,
    precision: Precision = "",
) -> None:
    """Table 3 and figures 8 to 11: retrain for each artist, expand prompts, paint, measure, report."""
    from impasto.jobs.judging.reproduce import Wang2023Job

    job = Wang2023Job(
        catalogue=catalogue, checkpoint=checkpoint, quick=quick, out=out, artists=_names(artists), minutes=minutes,
        paintings=paintings, runs=_runs(runs or ()), sampler=sampler, steps=steps, guidance=guidance, precision=precision,
        command=tuple(context.find_root().obj or ()),
    )  # fmt: skip
    _run(job)


@reproduce.command()
def wu2022(
    context: typer.Context,
    catalogue: Catalogue,
    checkpoint: Checkpoint = "pocket",
    quick: Quick = False,
    out: Annotated[Path, typer.Option(help="The folder of all that is made.", metavar="DIR")] = Path("reports/wu2022"),
    artists: Annotated[
        str | None,
        typer.Option(help="Other artists, with commas between; the first four stand in figures 4 to 8.", metavar="NAMES"),
    ] = None,
    minutes: Minutes = None,
    paintings: Annotated[
        int | None, typer.Option(min=1, help="Of each prompt by each artist.", show_default="the protocol's")
    ] = None,
    sampler: Sampler = None,
    steps: Steps = None,
    guidance: Guidance = None,
    eta: Annotated[float | None, typer.Option(help="0 to 1; ddim only.", show_default="the protocol's")] = None,
    precision: Precision = "",
) -> None:
    """Figures 4 to 12: retrain text encoder, then both, and paint the same prompts by many artists before and after."""
    from impasto.jobs.judging.reproduce import Wu2022Job

    job = Wu2022Job(
        catalogue=catalogue, checkpoint=checkpoint, quick=quick, out=out, artists=_names(artists), minutes=minutes,
        paintings=paintings, sampler=sampler, steps=steps, guidance=guidance, eta=eta, precision=precision,
        command=tuple(context.find_root().obj or ()),
    )  # fmt: skip
    _run(job)


def _run(job: "ReproduceJob") -> None:
    """Runs the job with one progress line on stderr (phase, share done, remaining time), and prints the table."""
    piped, line, whose = PipedLine(), TrainingLine(), ""

    def words(progress: "Progress") -> str:
        nonlocal line, whose
        what = progress.stage
        name = what.rpartition(", ")[0] or what.partition(":")[0]
        if name != whose:  # a new training: the previous losses do not belong to it
            line, whose = TrainingLine(), name
        text = one_line(line.text(what, progress.share or 0.0, progress.figures))
        piped.tell(text, progress.share or 0.0)
        return text

    done = run_job(job, begin="starting", times=False, on_progress=words)
    if done.header:
        # Through a pipe, a table has no header, but this one needs it.
        say_table(done.header, done.rows if sys.stdout.isatty() else [done.header, *done.rows])
    say(done.report)


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name for name in text.split(",") if name.strip())


def _runs(given: Sequence[str]) -> dict[str, Path]:
    """Parses the values of `--runs ARTIST=RUN`; returns artist -> run."""
    found = {}
    for text in given:
        artist, equals, run = text.partition("=")
        if not equals or not artist.strip() or not run.strip():
            raise UsageError(f"--runs {text!r}: write ARTIST=RUN")
        found[artist] = Path(run.strip())
    return found

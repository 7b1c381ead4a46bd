"""`impasto reproduce`: reproduces a paper's tables and figures with one command; the same command resumes after a stop."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import one_line, say, say_table
from impasto.cli.fleet_options import with_fleet
from impasto.cli.painting.expansion_options import ExpansionConfig, IndexFolder, PromptModel
from impasto.cli.run_job import run_job
from impasto.cli.train.line import PipedLine, TrainingLine
from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.jobs.events import Progress
    from impasto.jobs.judging.reproduce import ReproduceJob

reproduce = typer.Typer(help="A paper's tables and figures, from one command. Give the same command again to go on.")

Catalogue = Annotated[Path, typer.Option(help="A folder of real paintings with metadata.", metavar="DIR")]
Checkpoint = Annotated[str, typer.Option(help="What is retrained, as `paint` takes it.", metavar="NAME")]
Quick = Annotated[bool, typer.Option("--quick", help="A small version, in 75 minutes at most on two cores.")]
QuickWu2022 = Annotated[
    bool, typer.Option("--quick", help="A small version: 40 minutes of training, about an hour in all on two cores.")
]
Minutes = Annotated[float | None, typer.Option(help="Of each retraining.", show_default="the recipe's epochs; quick: a few")]
Paintings = Annotated[int | None, typer.Option(min=1, help="In each set.", show_default="the protocol's")]
Sampler = Annotated[str | None, typer.Option(help="As `paint` takes it.", show_default="the protocol's")]
Steps = Annotated[int | None, typer.Option(help="Of the sampler.", show_default="the protocol's")]
Guidance = Annotated[float | None, typer.Option(help="0 to 50.", show_default="the protocol's")]
Precision = Annotated[str, typer.Option(help="Of the retraining: fp32, bf16 or fp16.", show_default="the recipe's")]
Expansion = Annotated[
    str | None, typer.Option(help="wang2023 or wu2022, as `expand --method`.", show_default="the paper's", metavar="METHOD")
]
Features = Annotated[
    str,
    typer.Option(
        help="What sees the pictures: efficientnet-lite2, inception (then it is FID), dinov2, clip, or a folder.",
        metavar="NAME|DIR",
    ),
]
Weights = Annotated[
    Path | None, typer.Option(help="Inception's weights (pt_inception-2015-12-05-6726825d.pth).", metavar="FILE")
]
Scorer = Annotated[
    str | None, typer.Option(help="What compares texts and pictures: pocket, or CLIP's folder.", metavar="NAME|DIR")
]


@reproduce.callback(invoke_without_command=True)
def _reproduce(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@reproduce.command()
@with_fleet
def wang2023(
    context: typer.Context,
    catalogue: Catalogue,
    checkpoint: Checkpoint = "pocket",
    quick: Quick = False,
    out: Annotated[Path, typer.Option(help="The folder of all that is made.", metavar="DIR")] = Path("reports/wang2023"),
    artists: Annotated[
        str | None,
        typer.Option(
            help="Other artists, by the catalogue's names, with commas between; a number: so many of the nine.",
            metavar="NAMES|N",
        ),
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
    expansion: Expansion = None,
    prompt_model: PromptModel = None,
    index: IndexFolder = None,
    expand_seed: Annotated[int, typer.Option(min=0, help="Of the expansions painted; Table 2 has the next two beside.")] = 0,
    expansion_config: ExpansionConfig = None,
    features: Features = "efficientnet-lite2",
    weights: Weights = None,
    scorer: Scorer = None,
    annotate: Annotated[
        bool, typer.Option("--annotate/--no-annotate", help="Tag, caption and filter first, in a catalogue of its own.")
    ] = True,
    tagger: Annotated[
        str | None, typer.Option(help="As `data tag --tagger`; RAM is the paper's.", metavar="NAME|DIR")
    ] = None,
    captioner: Annotated[
        str | None, typer.Option(help="As `data caption --captioner`; Tag2Text is the paper's.", metavar="NAME|DIR")
    ] = None,
    below: Annotated[
        float | None, typer.Option(help="Remove captions less similar than this.", show_default="the scorer's own")
    ] = None,
    bounds: Annotated[
        str | None,
        typer.Option(
            help="Minutes at most of phases: caption=10,expand=10,paint=15.",
            metavar="PHASE=MINUTES,...",
            show_default="none; quick has some",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=20, help="Retrain and paint so often, each time with other seeds: a gain or chance?")
    ] = 1,
) -> None:
    """Tables 1 to 3, figures 7 to 11: caption, retrain for each artist, expand prompts, paint, measure, report."""
    from impasto.jobs.judging.reproduce import Wang2023Job

    job = Wang2023Job(
        catalogue=catalogue, checkpoint=checkpoint, quick=quick, out=out, artists=_masters(artists), minutes=minutes,
        paintings=paintings, runs=_runs(runs or ()), sampler=sampler, steps=steps, guidance=guidance, precision=precision,
        expansion=expansion,
        prompt_model=prompt_model, index=index, expand_seed=expand_seed, expansion_config=expansion_config,
        features=features, weights=weights, scorer=scorer,
        annotate=annotate, tagger=tagger, captioner=captioner, below=below,
        bounds=None if bounds is None else _bounds(bounds), seeds=seeds,
        command=tuple(context.find_root().obj or ()),
    )  # fmt: skip
    _run(job)


@reproduce.command()
def wu2022(
    context: typer.Context,
    catalogue: Catalogue,
    checkpoint: Checkpoint = "pocket",
    quick: QuickWu2022 = False,
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
    arms: Annotated[
        str | None,
        typer.Option(
            help="Some of none, joint, two-stages, extension, with commas between.", show_default="all", metavar="ARMS"
        ),
    ] = None,
    extended: Annotated[
        int | None, typer.Option(min=1, max=20, help="Extended prompts of the arm extension.", show_default="3")
    ] = None,
    expansion: Expansion = None,
    prompt_model: PromptModel = None,
    index: IndexFolder = None,
    expand_seed: Annotated[int, typer.Option(min=0, help="Of the extended prompts.")] = 0,
    expansion_config: ExpansionConfig = None,
    features: Features = "efficientnet-lite2",
    weights: Weights = None,
    scorer: Scorer = None,
) -> None:
    """Figures 4 to 12: the same prompts by many artists: not retrained, jointly, in two stages; and extended prompts."""
    from impasto.jobs.judging.reproduce import Wu2022Job

    job = Wu2022Job(
        catalogue=catalogue, checkpoint=checkpoint, quick=quick, out=out, artists=_names(artists), minutes=minutes,
        paintings=paintings, sampler=sampler, steps=steps, guidance=guidance, eta=eta, precision=precision,
        expansion=expansion,
        prompt_model=prompt_model, index=index, expand_seed=expand_seed, expansion_config=expansion_config,
        features=features, weights=weights, scorer=scorer,
        arms=_names(arms), extended=extended,
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


def _masters(text: str | None) -> tuple[str, ...] | None:
    """The names in `text`, or, of a number, so many of the nine masters."""
    if text is None or not text.strip().isdigit():
        return _names(text)
    from impasto.training.recipes.wang2023 import WANG2023_MASTERS

    count = int(text)
    if not 1 <= count <= len(WANG2023_MASTERS):
        raise UsageError(f"--artists {count}: the protocol has {len(WANG2023_MASTERS)} masters; use 1 to that, or names")
    return tuple(master.name for master in WANG2023_MASTERS[:count])


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name for name in text.split(",") if name.strip())


def _bounds(text: str) -> dict[str, float]:
    """Parses `--bounds PHASE=MINUTES,...`; returns phase -> minutes."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        phase, _, minutes = part.partition("=")
        try:
            found[phase.strip()] = float(minutes)
        except ValueError:
            raise UsageError(f"--bounds {part!r}: write PHASE=MINUTES") from None
    return found


def _runs(given: Sequence[str]) -> dict[str, Path]:
    """Parses the values of `--runs ARTIST=RUN`; returns artist -> run."""
    found = {}
    for text in given:
        artist, equals, run = text.partition("=")
        if not equals or not artist.strip() or not run.strip():
            raise UsageError(f"--runs {text!r}: write ARTIST=RUN")
        found[artist] = Path(run.strip())
    return found

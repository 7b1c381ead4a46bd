"""`impasto reproduce`: a paper's table and figures from one command; the same command goes on after a stop."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.console import one_line, progress_bar, say, say_note, say_table
from impasto.cli.training_line import PipedLine, TrainingLine
from impasto.errors import StoppedError, UsageError

if TYPE_CHECKING:
    from impasto.reproduction.real_works import RealWorks
    from impasto.reproduction.wang2023 import Wang2023Study
    from impasto.reproduction.workspace import OnProgress, Workplace
    from impasto.reproduction.wu2022 import Wu2022Study

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
    from impasto.reproduction.pictures import Brush
    from impasto.reproduction.protocols import wang2023_protocol
    from impasto.reproduction.wang2023 import NAME, Wang2023Study, check_study, needed_space
    from impasto.reproduction.workspace import Workplace

    protocol = wang2023_protocol(Brush.of(checkpoint).side, quick=quick)
    manner = _changed(protocol.manner, sampler=sampler, steps=steps, guidance=guidance)
    protocol = _changed(protocol, manner=manner, minutes=minutes, paintings=paintings, precision=precision or None)
    place = Workplace(out)
    study = Wang2023Study(protocol, catalogue, checkpoint, place)
    check_study(study)
    named = _names(artists) if artists is not None else protocol.artists
    if protocol.paintings < 3:
        raise UsageError(f"paintings {protocol.paintings}: use 3 or more, there is nothing to compare in fewer")
    works = _read(catalogue)
    found = tuple(dict.fromkeys(works.find(name) for name in named))
    study = replace(study, protocol=replace(protocol, artists=found), runs=_runs(runs or (), works.find, found))
    check_study(study)
    _go_through(study, f"reproduce-{NAME}", context, works, needed_space(study))


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
    from impasto.reproduction.pictures import Brush
    from impasto.reproduction.protocols import wu2022_protocol
    from impasto.reproduction.workspace import Workplace
    from impasto.reproduction.wu2022 import NAME, Wu2022Study, check_study, choose_artists, needed_space

    protocol = wu2022_protocol(Brush.of(checkpoint).side, quick=quick)
    if sampler not in (None, "ddim") and eta is None:
        eta = 0.0  # the protocol's is ddim's
    manner = _changed(protocol.manner, sampler=sampler, steps=steps, guidance=guidance, eta=eta)
    protocol = _changed(protocol, manner=manner, minutes=minutes, paintings=paintings, precision=precision or None)
    place = Workplace(out)
    study = Wu2022Study(protocol, (), catalogue, checkpoint, place)
    check_study(study)
    named = _names(artists) if artists is not None else None
    works = _read(catalogue)
    protocol, found = choose_artists(protocol, works, named)
    study = replace(study, protocol=protocol, artists=found)
    _go_through(study, f"reproduce-{NAME}", context, works, needed_space(study))


def _read(catalogue: Path) -> "RealWorks":
    from impasto.reproduction.real_works import RealWorks

    with progress_bar(f"reading {one_line(catalogue)}", 1.0, times=False):
        return RealWorks.read(catalogue)


def _go_through(
    study: "Wang2023Study | Wu2022Study", recipe: str, context: typer.Context, works: "RealWorks", needed: int
) -> None:
    """Takes the study's place, goes through its phases, and says what was found."""
    place = study.place
    if place.path.exists() and not place.path.is_dir():
        raise UsageError(f"--out {place.path} is not a folder")
    with place.begin(recipe, context.find_root().obj or (), study.settings(), 0):
        if place.is_complete:
            _say_complete(place)
            return
        place.check_space(needed)
        with _progress(place) as on_progress:
            report = study.reproduce(works, on_progress)
    _say_table(report.table.header, report.table.rows)
    say(place.path / "report" / "report.html")


def _changed(choices: Any, **given: Any) -> Any:
    """The dataclass with those values that were given."""
    return replace(choices, **{name: value for name, value in given.items() if value is not None})


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("--artists is empty: name one or more, with commas between")
    return names


def _runs(given: Sequence[str], find: Any, artists: Sequence[str]) -> dict[str, Path]:
    """Artist -> run, of `--runs ARTIST=RUN`."""
    found = {}
    for text in given:
        artist, equals, run = text.partition("=")
        if not equals or not artist.strip() or not run.strip():
            raise UsageError(f"--runs {text!r}: write ARTIST=RUN")
        name = find(artist)
        if name not in artists:
            raise UsageError(f"--runs {text!r}: {name} is not among the artists of this reproduction")
        found[name] = Path(run.strip())
    return found


@contextmanager
def _progress(place: "Workplace") -> "Iterator[OnProgress]":
    """One line on stderr: the phase, how far it is, the time it still takes."""
    piped, line, whose = PipedLine(), TrainingLine(), ""
    try:
        with progress_bar("starting", 1.0, times=False) as update:

            def on_progress(what: str, share: float, figures: dict[str, float]) -> None:
                nonlocal line, whose
                if what.startswith(("skipped ", "lacking ")):
                    say_note(what)
                    return
                name = what.rpartition(", ")[0] or what.partition(":")[0]
                if name != whose:  # the last one's losses are not this one's
                    line, whose = TrainingLine(), name
                text = one_line(line.text(what, share, figures))
                update(text, share)
                piped.tell(text, share)

            yield on_progress
    except KeyboardInterrupt:
        raise StoppedError(f"stopped: the same command goes on from what is kept in {place.path}") from None


def _say_complete(place: "Workplace") -> None:
    """The table of a reproduction that was complete already."""
    say_note(f"{place.path}: already complete; to measure and write it again, remove report.json there")
    try:
        table = json.loads((place.path / "report.json").read_text("utf-8"))["table"]
        _say_table(table["header"], table["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        say_note(f"{place.path / 'report.json'} cannot be read: remove it, and give the same command again")
    say(place.path / "report" / "report.html")


def _say_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    # Through a pipe a table has no header, which this one cannot do without.
    say_table(header, rows if sys.stdout.isatty() else [header, *rows])

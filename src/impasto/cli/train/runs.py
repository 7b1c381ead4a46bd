"""`impasto runs`: lists and shows finished and running trainings, resumes and stops them."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from impasto.cli.console import say, say_facts, say_json, say_note, say_table
from impasto.cli.run_job import run_job
from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.training.runs.listing import RunInfo

FOLDER = Path("runs")
BLOCKS = "▁▂▃▄▅▆▇█"
Run = Annotated[Path, typer.Argument(help="A run's folder, or its name in runs/.", metavar="RUN")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def runs_app(command_line: Callable[[list[str]], NoReturn]) -> typer.Typer:
    """Returns the app with the verbs of `impasto runs`.

    Args:
        command_line: runs the words after `impasto`; `resume` calls it with the command that started a run.
    """

    def resume(run: Run) -> None:
        """Go on with a run: the command that began it, once more."""
        command_line(_command_of(_place(run)))

    runs = typer.Typer(help="Trainings: list, show, resume, stop.")
    runs.callback(invoke_without_command=True)(_runs)
    runs.command("list")(list_)
    runs.command()(show)
    runs.command()(resume)
    runs.command()(stop)
    return runs


def _runs(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def list_(
    folder: Annotated[Path, typer.Argument(help="The folder that runs lie in.", metavar="DIR")] = FOLDER,
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder, the latest first."""
    from impasto.training.runs.listing import list_runs

    found = list_runs(folder) if folder.is_dir() or folder != FOLDER else []
    if as_json:
        say_json([_facts(info) for info in found])
        return
    rows = [
        (
            info.path.name,
            info.recipe,
            info.status,
            info.step,
            "" if info.share is None else f"{100 * info.share:.0f} %",
            "" if info.loss is None else f"{info.loss:.4g}",
            _duration(info.seconds),
            f"{datetime.fromtimestamp(info.changed):%Y-%m-%d %H:%M}",
        )
        for info in found
    ]
    say_table(("name", "recipe", "status", "step", "done", "loss", "trained", "when"), rows)
    if not found:
        say_note(f"no run in {folder}: `impasto train` begins one")


def show(run: Run, as_json: AsJson = False) -> None:
    """Show everything about a run: choices, the course of its losses, what it keeps and made, its report."""
    from impasto.training.runs.listing import kept_states, loss_courses, made_folders, read_report, read_run

    info = read_run(_place(run))
    path, record = info.path, info.record
    courses, states, made, report = loss_courses(path), kept_states(path), made_folders(path), read_report(path)
    if as_json:
        say_json(
            {
                **_facts(info),
                "seed": record.seed if record is not None else None,
                "begun": record.begun if record is not None else None,
                "impasto": record.impasto if record is not None else None,
                "arguments": record.arguments if record is not None else None,
                "choices": record.choices if record is not None else None,
                "losses": {
                    c.name: {"first": c.first, "last": c.last, "lowest": c.lowest, "course": c.parts} for c in courses
                },
                "states": dict(states),
                "made": dict(made),
                "report": report,
            }
        )
        return
    say_facts(
        [
            ("run", path),
            ("recipe", info.recipe),
            ("status", info.status),
            ("step", info.step),
            ("done", "" if info.share is None else f"{100 * info.share:.0f} %"),
            ("trained", _duration(info.seconds)),
            *([("seed", record.seed), ("begun", record.begun)] if record is not None else []),
            ("command", f"impasto {' '.join(record.arguments)}" if record is not None and record.arguments else ""),
            *_flat("", record.choices if record is not None else {}),
            *((f"kept {name}", _size(size)) for name, size in states),
            *((f"made {name}", _size(size)) for name, size in made),
            *_flat("report ", report),
        ]
    )
    rows = [(c.name, f"{c.first:.4g}", f"{c.last:.4g}", f"{c.lowest:.4g}", sparkline(c.parts)) for c in courses]
    if rows:
        say_table(("loss", "first", "last", "lowest", "course"), rows)


def _command_of(path: Path) -> list[str]:
    """Returns the command that started a run, after changing to the folder in which it was given.

    Raises:
        UsageError: the run has no recorded command, or was not started by `impasto train`, or the folder no longer exists.
    """
    from impasto.training.runs.record import read_record

    record = read_record(path)
    if record is None:
        raise UsageError(f"{path} does not say which command began it: give that command again, with --run {path}")
    if record.arguments[:1] != ("train",):
        raise UsageError(f"{path} was not begun by `impasto train`: begin it again as it was begun")
    try:
        target = path.resolve()
        os.chdir(record.directory)
    except OSError:
        raise UsageError(f"{path} was begun in {record.directory}, which is gone: give its command again") from None
    return [*record.arguments, "--run", str(target)]


def stop(
    run: Run, wait: Annotated[float, typer.Option(min=0, max=3600, help="Seconds to wait until it has ended.")] = 60.0
) -> None:
    """Ask a running training to write its state and end."""
    from impasto.jobs.training.stop import StopJob

    path = _place(run)
    answer = run_job(StopJob(folder=path, wait=wait), begin="stopping")
    if not answer.was_running:
        say(f"{path} is not running: it is {answer.status}")
    elif answer.status == "complete":
        say(f"{path} came to its end: it is complete")
    else:
        say(f"{path} stopped at step {answer.step}: `impasto runs resume {path}` goes on")


def sparkline(values: tuple[float, ...]) -> str:
    """Formats values as block characters of eight heights; the lowest value gets the lowest block."""
    low, high = min(values), max(values)
    scale = (len(BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(BLOCKS[round((value - low) * scale)] for value in values)


def _place(run: Path) -> Path:
    if run.exists() or run.is_absolute() or not (FOLDER / run).exists():
        if not run.is_dir():
            raise UsageError(f"{run}: there is no such run (`impasto runs list` names them)")
        return run
    return FOLDER / run


def _facts(info: "RunInfo") -> dict[str, Any]:
    return {
        "name": info.path.name,
        "path": info.path,
        "recipe": info.record.recipe if info.record is not None else None,
        "status": info.status,
        "step": info.step,
        "share": info.share,
        "loss": info.loss,
        "seconds": info.seconds,
        "changed": datetime.fromtimestamp(info.changed, UTC).isoformat(timespec="seconds"),
    }


def _flat(prefix: str, values: dict[str, Any]) -> list[tuple[str, object]]:
    """Flattens names and values; those of inner objects are named `outer.inner`."""
    rows: list[tuple[str, object]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            rows += _flat(f"{prefix}{name}.", value)
        else:
            rows.append((prefix + name.replace("_", " "), value))
    return rows


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours} h {rest // 60:02} min" if hours else f"{rest // 60} min {rest % 60:02} s"


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"

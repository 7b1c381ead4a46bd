"""What all of `impasto train` share: a run's folder taken, and how far it is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from impasto.cli.console import one_line, progress_bar, say_note
from impasto.cli.training_line import PipedLine, TrainingLine
from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.training.distributed.launch import process_count, process_number, told_by_first

if TYPE_CHECKING:
    from impasto.training.runs.folder import RunFolder

DRY_RUN = "dry_run"
# What a run that has begun may be given anew: its steps do not depend on it.
CHANGEABLE = ("minutes", "validation_every", "validation_pictures", "keep_states", "keep_best")


def check_request(catalogue: Path | None, minutes: float, seed: int, records: Path | None = None) -> None:
    """Raises UsageError where the numbers make no sense, or a folder or file is not there."""
    if not 0 < minutes <= 1_000_000:
        raise UsageError(f"minutes {minutes:g}: use more than 0")
    if not 0 <= seed < 2**63:
        raise UsageError(f"seed {seed}: use 0 to {2**63 - 1}")
    if catalogue is not None and not catalogue.is_dir():
        raise UsageError(f"--catalogue {catalogue}: there is no such folder")
    if records is not None and not records.is_file():
        raise UsageError(f"--records {records}: there is no such file")


def begin_run(
    context: typer.Context,
    recipe: str,
    catalogue: Path | None,
    minutes: float,
    out: Path | None,
    seed: int,
    records: Path | None = None,
    *,
    together: bool = False,
) -> "RunFolder":
    """The run's folder, taken, once the numbers make sense; torch is not needed to say that they do not.

    Of several processes the first one takes it, where the recipe can be trained `together`.

    Raises:
        UsageError: they do not, or the folder is another run's; several processes for a recipe that has one.
        typer.Exit: the run is complete, which has been said; or the first process was refused.
    """
    check_request(catalogue, minutes, seed, records)
    if context.params.get(DRY_RUN):
        raise UsageError(f"--dry-run: what {recipe} takes is not told beforehand")
    from impasto.training.runs.folder import RunFolder

    run = RunFolder(out or Path("runs") / recipe)
    if run.path.exists() and not run.path.is_dir():
        raise UsageError(f"--run {run.path} is not a folder")
    if process_count() > 1 and not together:
        raise UsageError(f"{recipe} is trained by one process: give the command without `accelerate launch`")
    if process_number() > 0:
        refused = told_by_first()
        if refused:
            raise typer.Exit(refused - 1)
        return run.follow()
    choices = {name: value for name, value in context.params.items() if name not in ("out", "seed", DRY_RUN)}
    try:
        run.begin(recipe, context.find_root().obj or (), choices, seed, changeable=CHANGEABLE)
    except ImpastoError as error:
        told_by_first(1 + error.exit_code)
        raise
    told_by_first(1 if run.is_complete else 0)
    if run.is_complete:
        run.close()
        say_note(f"{run.path}: the run is already complete")
        raise typer.Exit
    return run


@dataclass(frozen=True)
class TrainingRun:
    """A run that has begun: its folder, and what a recipe asks and tells while it trains."""

    path: Path
    should_stop: Callable[[], bool]
    on_progress: Callable[[str, float, dict[str, float]], None]


@contextmanager
def training_run(
    context: typer.Context,
    recipe: str,
    out: Path | None,
    seed: int,
    *,
    minutes: float,
    catalogue: Path | None = None,
    records: Path | None = None,
    together: bool = False,
) -> Iterator[TrainingRun]:
    """A recipe's run from its beginning to its end, with a bar that shows how far it is; `together` as for `begin_run`.

    Raises:
        UsageError, typer.Exit: as `begin_run`.
        StoppedError: it was stopped; what is kept is said.
    """
    run = begin_run(context, recipe, catalogue, minutes, out, seed, records, together=together)
    with run, training_progress(run) as on_progress:
        yield TrainingRun(run.path, run.should_stop, on_progress)


@contextmanager
def training_progress(run: "RunFolder") -> Iterator[Callable[[str, float, dict[str, float]], None]]:
    """What the recipes call with (stage, share done, losses): a bar, or now and then a line."""
    piped, line = PipedLine(), TrainingLine()
    try:
        with progress_bar("starting", 1.0, times=False) as update:

            def on_progress(stage: str, share: float, losses: dict[str, float]) -> None:
                if stage.startswith(("skipped ", "lacking ", "begun with ")):
                    say_note(stage)
                    return
                text = one_line(line.text(stage, share, losses))
                update(text, share)
                piped.tell(text, share)

            yield on_progress
    except KeyboardInterrupt:
        raise StoppedError(
            f"stopped: `impasto runs resume {run.path}`, or the same command, goes on from what is kept there"
        ) from None

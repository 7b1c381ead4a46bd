"""Retraining from the command line: `impasto train wang2023-artist`, and what the other recipes share with it."""

import inspect
from collections.abc import Callable, Collection
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from impasto.cli.console import say, say_note
from impasto.cli.training_estimate import note_estimate, say_estimate
from impasto.cli.training_line import choices_line
from impasto.cli.training_run import DRY_RUN, check_request, training_run
from impasto.errors import UsageError
from impasto.training.methods.fine_tuning_choices import FineTuning

if TYPE_CHECKING:
    from impasto.training.estimate.estimate import Estimate

Catalogue = Annotated[Path, typer.Option(help="A folder of pictures with metadata.", metavar="DIR")]
Checkpoint = Annotated[str, typer.Option(help="What is retrained, as `paint` takes it.", metavar="NAME")]
Minutes = Annotated[float | None, typer.Option(help="How long to train, instead of epochs.")]
Steps = Annotated[int | None, typer.Option(min=1, help="How many steps, instead of epochs.")]
Out = Annotated[Path | None, typer.Option("--run", "--out", help="The run's folder.", metavar="RUN")]
Seed = Annotated[int, typer.Option(help="Of the run's random numbers.")]


_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would take of memory, time and disk; start nothing.")]


def with_choices(
    command: Callable[..., None], without: Collection[str] = (), kind: type = FineTuning
) -> Callable[..., None]:
    """The command with an option for each field of the choices `kind`, whose values it gets as the mapping `changes`.

    An option that is not given is the recipe's, and is not in `changes`. Fields in `without` have no option. `--dry-run` is
    added too, and is for `run_recipe`, which finds it in the context.
    """
    offered = [choice for choice in fields(kind) if choice.default is not MISSING and choice.name not in without]

    def run(**given: Any) -> None:
        changes = {name: value for name in (choice.name for choice in offered) if (value := given.pop(name)) is not None}
        del given[DRY_RUN]
        command(**given, changes=changes)

    own = [p for p in inspect.signature(command).parameters.values() if p.name != "changes"]
    options = [
        inspect.Parameter(
            choice.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                (choice.type if choice.type in (int, float, bool) else str) | None,
                typer.Option(help=choice.metadata["meaning"], show_default="the recipe's", rich_help_panel="Choices"),
            ],
        )
        for choice in offered
    ]
    options.append(inspect.Parameter(DRY_RUN, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_DryRun))
    run.__signature__ = inspect.Signature([*own, *options])  # pyright: ignore[reportFunctionMemberAccess]
    run.__annotations__ = {p.name: p.annotation for p in (*own, *options)}
    run.__doc__ = command.__doc__
    return run


@with_choices
def wang2023_artist(
    *,
    context: typer.Context,
    catalogue: Catalogue,
    artist: Annotated[str, typer.Option(help="Whose works, as the catalogue or part of a name says.")],
    checkpoint: Checkpoint = "pocket",
    minutes: Minutes = None,
    steps: Steps = None,
    out: Out = None,
    seed: Seed = 0,
    changes: dict[str, Any],
) -> None:
    """Retrain a checkpoint on the works of one artist (wang2023, section 4.2); with --lora-rank, a LoRA for it."""
    from impasto.training.recipes.wang2023 import wang2023_artist as recipe

    if not artist.strip():
        raise UsageError("--artist is empty: name one")
    choices = choices_for(checkpoint, recipe, changes)
    retrain_as(
        "wang2023-artist", context, choices, catalogue=catalogue, artist=artist, checkpoint=checkpoint,
        minutes=minutes, steps=steps, out=out, seed=seed,
    )  # fmt: skip


def choices_for(checkpoint: str, recipe: Callable[[int | None], FineTuning], changes: dict[str, Any]) -> FineTuning:
    """The recipe's choices for a checkpoint of this size, changed as the options say."""
    from impasto.checkpoints.listing import inspect_checkpoint

    return replace(recipe(inspect_checkpoint(checkpoint).default_size), **changes)


def retrain_as(
    recipe: str,
    context: typer.Context,
    choices: FineTuning,
    *,
    catalogue: Path,
    checkpoint: str,
    artist: str = "",
    minutes: float | None,
    steps: int | None,
    out: Path | None,
    seed: int,
) -> None:
    """Retrains on a catalogue, as `run_recipe` does it.

    Raises:
        UsageError, MissingPart, ImpastoError: as `run_recipe` and `retrain`.
    """

    def train(run: Path, choices: FineTuning, **how: Any) -> Path:
        from impasto.training.recipes.retraining import retrain

        return retrain(catalogue, run, choices, checkpoint=checkpoint, artist=artist, **how)

    run_recipe(
        recipe, context, choices, train, pictures=catalogue, artist=artist, checkpoint=checkpoint, minutes=minutes,
        steps=steps, out=out, seed=seed,
    )  # fmt: skip


def run_recipe(
    recipe: str,
    context: typer.Context,
    choices: FineTuning,
    train: Callable[..., Path],
    *,
    pictures: Path,
    checkpoint: str,
    minutes: float | None,
    steps: int | None,
    out: Path | None,
    seed: int,
    artist: str | None = None,
    learns: Literal["weights", "word", "student"] = "weights",
) -> Path:
    """Takes the run's folder, says the choices and what they will take, trains, says where the result is, and returns that.

    With `--dry-run` it says, and does no more.

    Args:
        train: called with the run's folder, the choices, and minutes, steps, seed, should_stop and on_progress by name.
        pictures: a folder that must be there.
        checkpoint: what is retrained.
        artist: whose pictures are learned of those that are not held out, "" for everybody's; None: all there are.
        learns: what is trained: weights, as `choices` say, only a new word, or a student of a teacher.

    Raises:
        UsageError: minutes and steps were given; and as `begin_run` and `train` do.
        typer.Exit: it was a dry run, or the run is complete.
    """
    if minutes is not None and steps is not None:
        raise UsageError("give --minutes or --steps, not both")

    def estimated() -> "Estimate":
        return _estimate(checkpoint, choices, pictures, artist, minutes=minutes, steps=steps, learns=learns)

    given = 1.0 if minutes is None else minutes
    said = choices_line(choices, {name for name, value in context.params.items() if value is not None})
    if context.params[DRY_RUN]:
        check_request(pictures, given, seed)
        say(said)
        say_estimate(estimated())
        raise typer.Exit
    with training_run(context, recipe, out, seed, minutes=given, catalogue=pictures, together=True) as run:
        say_note(said)
        note_estimate(estimated())
        made = train(
            run.path, choices, minutes=minutes, steps=steps, seed=seed, should_stop=run.should_stop,
            on_progress=run.on_progress,
        )  # fmt: skip
    say(made)
    return made


def _estimate(
    checkpoint: str,
    choices: FineTuning,
    pictures: Path,
    artist: str | None,
    *,
    minutes: float | None,
    steps: int | None,
    learns: str,
) -> "Estimate":
    """What training takes on these pictures."""
    from impasto.data.catalogue.read import read_catalogue
    from impasto.training.distributed.launch import process_count
    from impasto.training.estimate.estimate import estimate
    from impasto.training.estimate.step_costs import choose_word
    from impasto.training.examples.training_set import entries_of
    from impasto.training.methods.distillation import add_student
    from impasto.training.methods.distillation_choices import Distillation
    from impasto.training.methods.fine_tuning import choose_weights

    entries = read_catalogue(pictures, check_images=False).entries if artist is None else entries_of(pictures, artist)
    choose = {"weights": choose_weights, "word": choose_word, "student": add_student}[learns]
    passes = choices.other_passes if isinstance(choices, Distillation) else 0
    return estimate(
        checkpoint, choices, entries, steps=steps, minutes=minutes, processes=process_count(), choose=choose,
        other_passes=passes,
    )  # fmt: skip

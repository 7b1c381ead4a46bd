"""`impasto train wang2023-artist`: a checkpoint retrained on a catalogue. Every choice of the recipe is an option."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.console import say, say_note
from impasto.cli.training_run import begin_run, training_progress
from impasto.errors import UsageError
from impasto.training.fine_tuning_choices import FineTuning


def with_choices(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each field of `FineTuning`, whose values it gets as the mapping `changes`.

    An option that is not given is the recipe's, and is not in `changes`.
    """
    names = [choice.name for choice in fields(FineTuning)]

    def run(**given: Any) -> None:
        changes = {name: value for name in names if (value := given.pop(name)) is not None}
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
        for choice in fields(FineTuning)
        if choice.default is not MISSING
    ]
    run.__signature__ = inspect.Signature([*own, *options])  # pyright: ignore[reportFunctionMemberAccess]
    run.__annotations__ = {p.name: p.annotation for p in (*own, *options)}
    run.__doc__ = command.__doc__
    return run


@with_choices
def wang2023_artist(
    *,
    context: typer.Context,
    catalogue: Annotated[Path, typer.Option(help="A folder of pictures with metadata.", metavar="DIR")],
    artist: Annotated[str, typer.Option(help="Whose works, as the catalogue or part of a name says.")],
    checkpoint: Annotated[str, typer.Option(help="What is retrained, as `paint` takes it.", metavar="NAME")] = "pocket",
    minutes: Annotated[float | None, typer.Option(help="How long to train, instead of epochs.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="How many steps, instead of epochs.")] = None,
    out: Annotated[Path | None, typer.Option("--run", "--out", help="The run's folder.", metavar="RUN")] = None,
    seed: Annotated[int, typer.Option(help="Of the run's random numbers.")] = 0,
    changes: dict[str, Any],
) -> None:
    """Retrain a checkpoint on the works of one artist (wang2023, section 4.2); with --lora-rank, a LoRA for it."""
    from impasto.checkpoints.listing import inspect_checkpoint
    from impasto.training.recipes.wang2023 import wang2023_artist as recipe

    if minutes is not None and steps is not None:
        raise UsageError("give --minutes or --steps, not both")
    if not artist.strip():
        raise UsageError("--artist is empty: name one")
    choices = replace(recipe(inspect_checkpoint(checkpoint).default_size), **changes)
    run = begin_run(context, "wang2023-artist", catalogue, 1.0 if minutes is None else minutes, out, seed)
    from impasto.training.recipes.retraining import retrain

    say_note(" ".join(f"{choice.name}={getattr(choices, choice.name)}" for choice in fields(FineTuning)))
    with run, training_progress(run) as on_progress:
        done = retrain(
            catalogue,
            run.path,
            choices,
            checkpoint=checkpoint,
            artist=artist,
            minutes=minutes,
            steps=steps,
            seed=seed,
            should_stop=run.should_stop,
            on_progress=on_progress,
        )
    say(done)

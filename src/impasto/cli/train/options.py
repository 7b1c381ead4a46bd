"""The options that the verbs of `impasto train` share, and options generated from the fields of a recipe's settings."""

import inspect
from collections.abc import Callable, Collection
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.training.methods.fine_tuning_choices import FineTuning

Catalogue = Annotated[Path, typer.Option(help="A folder of pictures with metadata.", metavar="DIR")]
Checkpoint = Annotated[str, typer.Option(help="What is retrained, as `paint` takes it.", metavar="NAME")]
Minutes = Annotated[float | None, typer.Option(help="How long to train, instead of epochs.")]
Steps = Annotated[int | None, typer.Option(min=1, help="How many steps, instead of epochs.")]
Out = Annotated[Path | None, typer.Option("--run", "--out", help="The run's folder.", metavar="RUN")]
Seed = Annotated[int, typer.Option(help="Of the run's random numbers.")]

Consent = Annotated[
    str,
    typer.Option(help="Who agreed to the use of a living artist's works: for run and model card.", metavar="TEXT"),
]

_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would take of memory, time and disk; start nothing.")]


def with_choices(
    command: Callable[..., None], without: Collection[str] = (), kind: type = FineTuning
) -> Callable[..., None]:
    """Decorator that adds `--dry-run` and an option for each field of `kind`; the command finds the values in its context.

    If an option is not given, the recipe's value applies. Fields in `without` get no option.
    """
    offered = [choice for choice in fields(kind) if choice.default is not MISSING and choice.name not in without]
    own = list(inspect.signature(command).parameters.values())
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
    options.append(inspect.Parameter("dry_run", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_DryRun))

    def run(**given: Any) -> None:
        command(**{parameter.name: given[parameter.name] for parameter in own})

    run.__signature__ = inspect.Signature([*own, *options])  # pyright: ignore[reportFunctionMemberAccess]
    run.__annotations__ = {p.name: p.annotation for p in (*own, *options)}
    run.__doc__ = command.__doc__
    return run

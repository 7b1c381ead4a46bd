"""`impasto train wang2023-masters`: the paper's protocol with a separate retraining run for each of nine artists."""

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.fleet_options import FLEET_NAMES, with_fleet
from impasto.cli.train.options import Catalogue
from impasto.cli.train.run import run_training
from impasto.errors import UsageError

ONE = "wang2023-artist"


@with_fleet
def wang2023_masters(
    *,
    context: typer.Context,
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option("--run", "--out", help="The folder of the nine runs.", metavar="DIR")] = Path(
        "runs/wang2023"
    ),
) -> None:
    """Retrain a checkpoint for each of nine masters, one after another; other options are those of wang2023-artist."""
    from impasto.jobs.training.masters import MastersJob

    given = list(context.args)
    if any(word == "--artist" or word.startswith("--artist=") for word in given):
        raise UsageError("--artist: wang2023-artist trains one artist, wang2023-masters all nine")
    # Each run records the command for one artist, so that `runs resume` resumes this run alone.
    command = ("train", ONE, "--catalogue", str(catalogue), *given)
    fields = _options_of_one(context, [*command[2:], "--artist", "any"])
    run_training(MastersJob(**{**fields, "catalogue": catalogue, "out": out, "command": command}))


def _options_of_one(context: typer.Context, words: list[str]) -> dict[str, Any]:
    """Parses the words as options of `wang2023-artist`; returns the options without the artist.

    Raises:
        TyperException: the words are not options of `wang2023-artist`.
    """
    group: Any = context.parent.command if context.parent is not None else None
    one = group.get_command(context.parent, ONE)
    with one.make_context(ONE, words, parent=context.parent) as inner:
        return {name: value for name, value in inner.params.items() if name not in ("artist", *FLEET_NAMES)}

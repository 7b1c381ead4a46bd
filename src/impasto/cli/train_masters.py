"""`impasto train wang2023-masters`: the paper's protocol, one retraining for each of nine artists, each a run of its own."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say_note
from impasto.cli.train_retraining import Catalogue
from impasto.errors import ImpastoError, UsageError


def wang2023_masters(
    *,
    context: typer.Context,
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option("--run", "--out", help="The folder of the nine runs.", metavar="DIR")] = Path(
        "runs/wang2023"
    ),
) -> None:
    """Retrain a checkpoint for each of nine masters, one after another; other options are those of wang2023-artist."""
    from impasto.data.catalogue.read import read_catalogue
    from impasto.training.recipes.wang2023 import WANG2023_MASTERS

    given = list(context.args)
    if "--artist" in given:
        raise UsageError("--artist: wang2023-artist trains one artist, wang2023-masters all nine")
    if not catalogue.is_dir():
        raise UsageError(f"--catalogue {catalogue}: there is no such folder")
    there = {entry.artist for entry in read_catalogue(catalogue, check_images=False).entries}
    masters = [master for master in WANG2023_MASTERS if master.name in there]
    if not masters:
        raise ImpastoError(f"{catalogue} holds none of the nine: {', '.join(master.name for master in WANG2023_MASTERS)}")
    for master in WANG2023_MASTERS:
        if master not in masters:
            say_note(f"{master.name}: {catalogue} holds no work, so there is no run")
    for master in masters:
        run = out / master.name.casefold().replace(" ", "-")
        say_note(f"{master.name} ({master.reason}): {run}")
        words = ["train", "wang2023-artist", "--catalogue", str(catalogue), "--artist", master.name, *given]
        # As if it had been given by itself, so that `runs resume` goes on with this one alone.
        whole = context.find_root().command
        code = whole.main(args=[*words, "--run", str(run)], prog_name="impasto", standalone_mode=False, obj=tuple(words))
        if code:
            raise typer.Exit(code)

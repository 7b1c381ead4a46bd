"""`impasto train wu2022-text-encoder` and `wu2022-joint`: a checkpoint retrained on a whole catalogue in two stages."""

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.train_retraining import (
    Catalogue,
    Checkpoint,
    Minutes,
    Out,
    Seed,
    Steps,
    choices_for,
    retrain_as,
    with_choices,
)
from impasto.errors import UsageError


@with_choices
def wu2022_text_encoder(
    *,
    context: typer.Context,
    catalogue: Catalogue,
    checkpoint: Checkpoint = "pocket",
    minutes: Minutes = None,
    steps: Steps = None,
    out: Out = None,
    seed: Seed = 0,
    changes: dict[str, Any],
) -> None:
    """Train a checkpoint's text encoder from untrained weights; the U-Net rests (wu2022, section 4, first stage)."""
    from impasto.training.recipes.wu2022 import wu2022_text_encoder as recipe

    choices = choices_for(checkpoint, recipe, changes)
    retrain_as(
        "wu2022-text-encoder", context, choices, catalogue=catalogue, checkpoint=checkpoint,
        minutes=minutes, steps=steps, out=out, seed=seed,
    )  # fmt: skip


@with_choices
def wu2022_joint(
    *,
    context: typer.Context,
    begin_from: Annotated[
        Path, typer.Option("--from", help="The run of wu2022-text-encoder, or another checkpoint.", metavar="RUN")
    ],
    catalogue: Annotated[
        Path | None, typer.Option(help="A folder of pictures with metadata; that of --from if not given.", metavar="DIR")
    ] = None,
    minutes: Minutes = None,
    steps: Steps = None,
    out: Out = None,
    seed: Seed = 0,
    changes: dict[str, Any],
) -> None:
    """Train a checkpoint's text encoder and U-Net together (wu2022, section 4, second stage)."""
    from impasto.training.recipes.wu2022 import wu2022_joint as recipe

    choices = choices_for(str(begin_from), recipe, changes)
    retrain_as(
        "wu2022-joint", context, choices, catalogue=catalogue or _catalogue_of(begin_from), checkpoint=str(begin_from),
        minutes=minutes, steps=steps, out=out, seed=seed,
    )  # fmt: skip


def _catalogue_of(run: Path) -> Path:
    """What a run was trained on."""
    from impasto.training.runs.record import read_record

    record = read_record(run)
    if record is None or "catalogue" not in record.choices:
        raise UsageError(f"--from {run} does not say which catalogue it was trained on: give --catalogue")
    return Path(record.choices["catalogue"])

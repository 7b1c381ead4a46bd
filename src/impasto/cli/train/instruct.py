"""`impasto train instruct`: trains a checkpoint to follow instructions."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.train.options import Checkpoint, Minutes, Out, Seed, Steps, with_choices
from impasto.cli.train.run import run_verb
from impasto.training.methods.instruct_choices import WITHOUT, InstructChoices


def _instruct(
    *,
    context: typer.Context,
    catalogue: Annotated[
        Path,
        typer.Option(help="Pairs of pictures with instructions, as `impasto data instructions` writes them.", metavar="DIR"),
    ],
    checkpoint: Checkpoint = "pocket",
    minutes: Minutes = None,
    steps: Steps = None,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Teach a checkpoint to change pictures as it is told (InstructPix2Pix, Brooks et al. 2023)."""
    run_verb(context)


instruct = with_choices(_instruct, WITHOUT, InstructChoices)

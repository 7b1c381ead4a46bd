"""`impasto train control`: trains a ControlNet for a checkpoint."""

from typing import Annotated

import typer

from impasto.cli.train.options import Catalogue, Checkpoint, Minutes, Out, Seed, Steps, with_choices
from impasto.cli.train.run import run_verb
from impasto.training.methods.control_choices import WITHOUT, ControlChoices


def _control(
    *,
    context: typer.Context,
    catalogue: Catalogue,
    condition: Annotated[
        str, typer.Option(help="What the maps are: scribble, canny, hed, ... as in `impasto control map`.", metavar="KIND")
    ],
    checkpoint: Checkpoint = "pocket",
    minutes: Minutes = None,
    steps: Steps = None,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Teach a network to make a checkpoint follow a map (ControlNet, Zhang et al. 2023)."""
    run_verb(context)


control = with_choices(_control, WITHOUT, ControlChoices)

"""`impasto train distill`: distils a checkpoint to a few-step student, as a LoRA."""

from typing import Annotated

import typer

from impasto.cli.train.options import Catalogue, Checkpoint, Minutes, Out, Seed, with_choices
from impasto.cli.train.run import run_verb
from impasto.training.methods.distillation_choices import WITHOUT, Distillation


def _distill(
    *,
    context: typer.Context,
    catalogue: Catalogue,
    checkpoint: Checkpoint = "pocket",
    steps: Annotated[int, typer.Option(help="Steps that the student is to paint in, 1 to 50.")] = 4,
    minutes: Minutes = None,
    updates: Annotated[int | None, typer.Option(min=1, help="How many steps of the optimizer, instead of epochs.")] = None,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Teach a LoRA to paint in a few steps what a checkpoint paints in many (latent consistency, Luo et al. 2023)."""
    run_verb(context)


distill = with_choices(_distill, WITHOUT, Distillation)

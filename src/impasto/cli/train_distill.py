"""`impasto train distill`: a few-step student of a checkpoint, as a LoRA."""

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.train_retraining import Catalogue, Checkpoint, Minutes, Out, Seed, run_recipe, with_choices
from impasto.errors import UsageError
from impasto.training.methods.distillation_choices import WITHOUT, Distillation, check_steps


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
    changes: dict[str, Any],
) -> None:
    """Teach a LoRA to paint in a few steps what a checkpoint paints in many (latent consistency, Luo et al. 2023)."""
    if minutes is not None and updates is not None:
        raise UsageError("give --minutes or --updates, not both")
    check_steps(steps)
    choices = Distillation(**changes)

    def train(run: Path, *_: object, **how: Any) -> Path:
        from impasto.training.recipes.distill import distill as recipe

        # What the loop counts are updates: the student's steps are another thing.
        return recipe(catalogue, run, choices, checkpoint=checkpoint, updates=how.pop("steps"), steps=steps, **how)

    run_recipe(
        "distill", context, choices, train, pictures=catalogue, artist="", checkpoint=checkpoint, minutes=minutes,
        steps=updates, out=out, seed=seed, learns="student",
    )  # fmt: skip


distill = with_choices(_distill, WITHOUT, Distillation)

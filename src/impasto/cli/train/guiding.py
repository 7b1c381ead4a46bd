"""`impasto train classifier` and `diffusionclip`: what leads paintings by gradients, and what has learned from them."""

from typing import Annotated

import typer

from impasto.cli.painting.picture_options import Device
from impasto.cli.train.options import Catalogue, Checkpoint, Out, Seed
from impasto.cli.train.run import run_verb

Minutes = Annotated[float, typer.Option(help="How long to train, all restarts together.")]
Steps = Annotated[int | None, typer.Option(help="How many steps, instead of minutes.")]
Batch = Annotated[int | None, typer.Option(help="Pictures a step.", show_default="64")]


def classifier(
    context: typer.Context,
    catalogue: Catalogue,
    label: Annotated[str, typer.Option(help="What it learns to recognise.", metavar="artist|style")] = "artist",
    checkpoint: Checkpoint = "pocket",
    minutes: Minutes = 10.0,
    steps: Steps = None,
    fewest: Annotated[int | None, typer.Option(help="Pictures that a label needs.", show_default="10")] = None,
    batch: Batch = None,
    learning_rate: Annotated[float | None, typer.Option(help="AdamW's.", show_default="3e-4")] = None,
    out: Out = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Train a classifier of noised latents, for `paint --guide classifier:RUN` (Dhariwal and Nichol 2021)."""
    run_verb(context)


def diffusionclip(
    context: typer.Context,
    catalogue: Catalogue,
    source: Annotated[str, typer.Option(help="What its pictures are, such as 'a painting'.", metavar="TEXT")],
    target: Annotated[str, typer.Option(help="What they become, such as 'a charcoal drawing'.", metavar="TEXT")],
    checkpoint: Checkpoint = "pocket",
    scorer: Annotated[
        str | None, typer.Option(help="Whose direction it is: pocket, or CLIP's folder.", metavar="NAME|DIR")
    ] = None,
    minutes: Minutes = 10.0,
    steps: Steps = None,
    share: Annotated[
        float | None, typer.Option(help="How far pictures change, 0 to 1: the noise they start from.", show_default="0.5")
    ] = None,
    pictures: Annotated[int | None, typer.Option(help="How many pictures.", show_default="50")] = None,
    batch: Annotated[int | None, typer.Option(help="Pictures a step.", show_default="1")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="AdamW's.", show_default="2e-4")] = None,
    lora_rank: Annotated[int | None, typer.Option(help="Of the LoRA.", show_default="8")] = None,
    direction_weight: Annotated[float | None, typer.Option(help="Of the directional loss.", show_default="3")] = None,
    identity_weight: Annotated[float | None, typer.Option(help="Of staying near the picture.", show_default="1")] = None,
    out: Out = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Fine-tune a checkpoint from one text to another, into a LoRA (DiffusionCLIP, Kim et al. 2022)."""
    run_verb(context)

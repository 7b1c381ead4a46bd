"""`impasto train wu2022-text-encoder` and `wu2022-joint`: retrain a checkpoint on a whole catalogue in two stages."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.train.options import Catalogue, Checkpoint, Consent, Minutes, Out, Seed, Steps, with_choices
from impasto.cli.train.run import run_verb


@with_choices
def wu2022_text_encoder(
    *,
    context: typer.Context,
    catalogue: Catalogue,
    checkpoint: Checkpoint = "pocket",
    consent: Consent = "",
    minutes: Minutes = None,
    steps: Steps = None,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Train a checkpoint's text encoder from untrained weights; the U-Net rests (wu2022, section 4, first stage).

    The paper prints no batch, warm-up or length: those are ours (docs/training.md).
    """
    run_verb(context)


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
    consent: Consent = "",
    minutes: Minutes = None,
    steps: Steps = None,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Train a checkpoint's text encoder and U-Net together (wu2022, section 4, second stage).

    The paper prints no batch, warm-up or length: those are ours (docs/training.md).
    """
    run_verb(context)

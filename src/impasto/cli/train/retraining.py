"""`impasto train wang2023-artist`: retrains a checkpoint on one artist's works."""

from typing import Annotated

import typer

from impasto.cli.train.options import Catalogue, Checkpoint, Consent, Minutes, Out, Seed, Steps, with_choices
from impasto.cli.train.run import run_verb


@with_choices
def wang2023_artist(
    *,
    context: typer.Context,
    catalogue: Catalogue,
    artist: Annotated[str, typer.Option(help="Whose works, as the catalogue or part of a name says.")],
    checkpoint: Checkpoint = "pocket",
    consent: Consent = "",
    minutes: Minutes = None,
    steps: Steps = None,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Retrain a checkpoint on the works of one artist (wang2023, section 4.2); with --lora-rank, a LoRA for it.

    Optimizer, text dropout and clipping are ours: the paper names none. For pocket, so are rate, batch and epochs.
    """
    run_verb(context)

"""`impasto train wang2023-artist`: retrains a checkpoint on one artist's works."""

from collections.abc import Sequence
from typing import Annotated

import typer

from impasto.cli.fleet_options import FLEET_NAMES, with_fleet
from impasto.cli.train.options import Catalogue, Checkpoint, Consent, Minutes, Out, Seed, Steps, with_choices
from impasto.cli.train.run import run_training, run_verb, words_of


@with_fleet
@with_choices
def wang2023_artist(
    *,
    context: typer.Context,
    catalogue: Catalogue,
    artist: Annotated[
        list[str],
        typer.Option(help="Whose works, as the catalogue or part of a name says; of several, each has a run in --run."),
    ],
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
    if len(artist) == 1:
        run_verb(context, artist=artist[0])
        return
    from impasto.jobs.training.several import ArtistsJob

    fields = {name: value for name, value in context.params.items() if name not in (*FLEET_NAMES, "artist")}
    run_training(ArtistsJob(**fields, artists=tuple(artist), command=command_without(words_of(context))))


def command_without(words: Sequence[str]) -> tuple[str, ...]:
    """Returns the words of the command line without artists, run's folder and fleet: the rest is the same for each run."""
    without = ("--artist", "--run", "--out", *(f"--{name.replace('_', '-')}" for name in FLEET_NAMES))
    kept, skips = [], False
    for word in words:
        if skips:
            skips = False
        elif word in without:
            skips = True
        elif not word.startswith(tuple(f"{one}=" for one in without)):
            kept.append(word)
    return tuple(kept)

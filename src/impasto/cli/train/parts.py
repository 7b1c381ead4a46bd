"""`impasto train pocket-autoencoder` etc.: each verb trains one of the models that ship with Impasto."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.train.run import run_verb

Catalogue = Annotated[
    Path,
    typer.Option(help="A folder of pictures with metadata.jsonl or .csv, or artist/picture.jpg.", metavar="DIR"),
]
Records = Annotated[
    Path,
    typer.Option(help="A museum's works, JSONL (.gz) of title and subjects: tags are learned from it.", metavar="FILE"),
]
Autoencoder = Annotated[Path, typer.Option(help="The folder that pocket-autoencoder wrote.", metavar="DIR")]
Minutes = Annotated[float, typer.Option(help="How long to train, all restarts together.")]
Out = Annotated[
    Path | None, typer.Option("--run", "--out", help="The run's folder; runs/<recipe> if not given.", metavar="RUN")
]
Size = Annotated[int, typer.Option(help="Pixels of a side.")]
Seed = Annotated[int, typer.Option(help="Of the run's random numbers.")]


def pocket_autoencoder(
    context: typer.Context,
    catalogue: Catalogue,
    minutes: Minutes = 60.0,
    out: Out = None,
    size: Size = 128,
    regularisation: Annotated[str, typer.Option(help="Of the latents: kl; vq: a codebook, to reconstruct only.")] = "kl",
    codebook: Annotated[int | None, typer.Option(help="Codes of the codebook, for vq; 1024 if not given.")] = None,
    attention: Annotated[
        bool, typer.Option("--attention", help="Self-attention at the lowest resolution, as in the papers' autoencoder.")
    ] = False,
    seed: Seed = 0,
) -> None:
    """Train pocket's autoencoder: KL without attention, or as the 2022 and 2023 papers also describe it."""
    run_verb(context)


def pocket_decoder(
    context: typer.Context,
    catalogue: Catalogue,
    autoencoder: Autoencoder,
    minutes: Minutes = 60.0,
    out: Out = None,
    size: Size = 128,
    seed: Seed = 0,
) -> None:
    """Train a finished autoencoder's decoder further; denoisers trained on it stay valid."""
    run_verb(context)


def pocket_denoiser(
    context: typer.Context,
    catalogue: Catalogue,
    autoencoder: Autoencoder,
    minutes: Minutes = 180.0,
    out: Out = None,
    size: Size = 128,
    seed: Seed = 0,
    begin_from: Annotated[
        Path | None, typer.Option("--from", help="Begin with this checkpoint folder's U-Net, of the same shape.")
    ] = None,
    align: Annotated[bool, typer.Option(help="Learn from a classifier's features too; far fewer steps are needed.")] = True,
) -> None:
    """Train pocket's denoiser and put the checkpoint together."""
    run_verb(context)


def learned_from_records(usual_minutes: float) -> Callable[..., None]:
    """Returns a verb that trains on a catalogue and a museum's records; `usual_minutes` is the default duration."""

    def verb(
        context: typer.Context,
        catalogue: Catalogue,
        records: Records,
        minutes: Minutes = usual_minutes,
        out: Out = None,
        seed: Seed = 0,
    ) -> None:
        run_verb(context)

    return verb


def pocket_upscaler(
    context: typer.Context,
    catalogue: Catalogue,
    minutes: Minutes = 15.0,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Train what makes pictures twice as wide and high, for `impasto upscale`."""
    run_verb(context)

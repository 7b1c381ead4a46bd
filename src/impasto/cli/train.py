"""`impasto train`: the recipes. A run can be killed at any moment; the same command takes it up again."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say
from impasto.cli.train_distill import distill
from impasto.cli.train_masters import wang2023_masters
from impasto.cli.train_personal import dreambooth, lora, textual_inversion
from impasto.cli.train_pocket import pocket
from impasto.cli.train_retraining import wang2023_artist
from impasto.cli.train_wu2022 import wu2022_joint, wu2022_text_encoder
from impasto.cli.training_run import training_run
from impasto.errors import UsageError

train = typer.Typer(help="Train checkpoints: run the same command again to resume.")
train.command("wang2023-artist")(wang2023_artist)
train.command("lora")(lora)
train.command("dreambooth")(dreambooth)
train.command("textual-inversion")(textual_inversion)
train.command("distill")(distill)
train.command(
    "wang2023-masters", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)(wang2023_masters)
train.command("wu2022-text-encoder")(wu2022_text_encoder)
train.command("wu2022-joint")(wu2022_joint)
train.command("pocket")(pocket)

Catalogue = Annotated[
    Path,
    typer.Option(
        help="A folder of pictures with metadata.jsonl or .csv, or artist/picture.jpg.", metavar="DIR"
    ),
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


@train.callback(invoke_without_command=True)
def _train(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@train.command("pocket-autoencoder")
def pocket_autoencoder(
    context: typer.Context,
    catalogue: Catalogue,
    minutes: Minutes = 60.0,
    out: Out = None,
    size: Size = 128,
    seed: Seed = 0,
) -> None:
    """Train pocket's autoencoder."""
    with training_run(context, "pocket-autoencoder", out, seed, minutes=minutes, catalogue=catalogue) as run:
        from impasto.training.recipes.pocket import train_autoencoder

        made = train_autoencoder(
            catalogue, run.path, minutes, size=size, seed=seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip
    say(made)


@train.command("pocket-decoder")
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
    with training_run(context, "pocket-decoder", out, seed, minutes=minutes, catalogue=catalogue) as run:
        from impasto.training.recipes.pocket import train_decoder

        made = train_decoder(
            catalogue, autoencoder, run.path, minutes, size=size, seed=seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip
    say(made)


@train.command("pocket-denoiser")
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
    with training_run(context, "pocket-denoiser", out, seed, minutes=minutes, catalogue=catalogue) as run:
        from impasto.training.recipes.pocket_denoiser import train_denoiser

        made = train_denoiser(
            catalogue, autoencoder, run.path, minutes, size=size, begin_from=begin_from, aligned=align, seed=seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip
    say(made)


@train.command("prompt-model")
def prompt_model(
    context: typer.Context,
    prompts: Annotated[Path, typer.Option(help="A text file, one prompt a line.", metavar="FILE")],
    base: Annotated[str, typer.Option(help="smollm2, gpt2 or another language model: a folder or a name.")] = "smollm2",
    test: Annotated[
        Path | None, typer.Option(help="Prompts to measure the perplexity on, before and after.", metavar="FILE")
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Train all weights instead of a LoRA.")] = False,
    minutes: Minutes = 30.0,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Fine-tune a language model on prompts, for `impasto expand --method wang2023`."""
    for file in (prompts, test):
        if file is not None and not file.is_file():
            raise UsageError(f"{file}: there is no such file")
    with training_run(context, "prompt-model", out, seed, minutes=minutes) as run:
        from impasto.training.methods.prompt_model import PromptModelChoices
        from impasto.training.recipes.prompt_model import train_prompt_model

        choices = PromptModelChoices(rank=0) if whole else PromptModelChoices()
        made = train_prompt_model(
            prompts, run.path, minutes, base=base, test_prompts=test, choices=choices, seed=seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip
    say(made)


@train.command("pocket-scorer")
def pocket_scorer(
    context: typer.Context,
    catalogue: Catalogue,
    records: Records,
    minutes: Minutes = 10.0,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Train what compares pictures with words, for `impasto data tag`, `filter` and `impasto search`."""
    with training_run(context, "pocket-scorer", out, seed, minutes=minutes, catalogue=catalogue, records=records) as run:
        from impasto.training.recipes.pocket_scorer import train_pocket_scorer

        made = train_pocket_scorer(
            catalogue, records, run.path, minutes, seed=seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip
    say(made)


@train.command("pocket-tagger")
def pocket_tagger(
    context: typer.Context,
    catalogue: Catalogue,
    records: Records,
    minutes: Minutes = 2.0,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Train what says which tags apply to a picture, for `impasto data tag`."""
    with training_run(context, "pocket-tagger", out, seed, minutes=minutes, catalogue=catalogue, records=records) as run:
        from impasto.training.recipes.pocket_tagger import train_pocket_tagger

        made = train_pocket_tagger(
            catalogue, records, run.path, minutes, seed=seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip
    say(made)


@train.command("pocket-captioner")
def pocket_captioner(
    context: typer.Context,
    catalogue: Catalogue,
    records: Records,
    minutes: Minutes = 30.0,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Train what says in words what a picture shows, for `impasto data caption`."""
    with training_run(context, "pocket-captioner", out, seed, minutes=minutes, catalogue=catalogue, records=records) as run:
        from impasto.training.recipes.pocket_captioner import train_pocket_captioner

        made = train_pocket_captioner(
            catalogue, records, run.path, minutes, seed=seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip
    say(made)


@train.command("pocket-upscaler")
def pocket_upscaler(
    context: typer.Context,
    catalogue: Catalogue,
    minutes: Minutes = 15.0,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Train what makes pictures twice as wide and high, for `impasto upscale`."""
    with training_run(context, "pocket-upscaler", out, seed, minutes=minutes, catalogue=catalogue) as run:
        from impasto.training.recipes.pocket_upscaler import train_pocket_upscaler

        made = train_pocket_upscaler(
            catalogue, run.path, minutes, seed=seed, should_stop=run.should_stop, on_progress=run.on_progress
        )  # fmt: skip
    say(made)

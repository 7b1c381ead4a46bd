"""`impasto train`: registers the training recipes. A run can be killed at any time; the same command resumes it."""

import typer

from impasto.cli.train.control import control
from impasto.cli.train.distill import distill
from impasto.cli.train.guiding import classifier, diffusionclip
from impasto.cli.train.instruct import instruct
from impasto.cli.train.masters import wang2023_masters
from impasto.cli.train.parts import (
    learned_from_records,
    pocket_autoencoder,
    pocket_decoder,
    pocket_denoiser,
    pocket_upscaler,
)
from impasto.cli.train.personal import dreambooth, lora, textual_inversion
from impasto.cli.train.pocket import pocket
from impasto.cli.train.prompt_model import prompt_model
from impasto.cli.train.retraining import wang2023_artist
from impasto.cli.train.wu2022 import wu2022_joint, wu2022_text_encoder

train = typer.Typer(help="Train checkpoints: run the same command again to resume.")
train.command("wang2023-artist")(wang2023_artist)
train.command("lora")(lora)
train.command("dreambooth")(dreambooth)
train.command("textual-inversion")(textual_inversion)
train.command("distill")(distill)
train.command("control")(control)
train.command("instruct")(instruct)
train.command("classifier")(classifier)
train.command("diffusionclip")(diffusionclip)
train.command(
    "wang2023-masters", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)(wang2023_masters)
train.command("wu2022-text-encoder")(wu2022_text_encoder)
train.command("wu2022-joint")(wu2022_joint)
train.command("pocket")(pocket)
train.command("pocket-autoencoder")(pocket_autoencoder)
train.command("pocket-decoder")(pocket_decoder)
train.command("pocket-denoiser")(pocket_denoiser)
train.command("prompt-model")(prompt_model)
for name, minutes, what in (
    ("pocket-scorer", 10.0, "what compares pictures with words, for `impasto data tag`, `filter` and `impasto search`."),
    ("pocket-tagger", 2.0, "what says which tags apply to a picture, for `impasto data tag`."),
    ("pocket-captioner", 30.0, "what says in words what a picture shows, for `impasto data caption`."),
):
    train.command(name, help=f"Train {what}")(learned_from_records(minutes))
train.command("pocket-upscaler")(pocket_upscaler)


@train.callback(invoke_without_command=True)
def _train(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())

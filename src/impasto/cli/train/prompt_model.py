"""`impasto train prompt-model`: fine-tunes a language model on prompts."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.train.parts import Minutes, Out, Seed
from impasto.cli.train.run import run_verb


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
    run_verb(context)

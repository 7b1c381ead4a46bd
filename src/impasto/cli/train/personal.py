"""`impasto train lora`, `dreambooth` and `textual-inversion`: teach a checkpoint a style, an object or a word."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.train.options import Checkpoint, Consent, Minutes, Out, Seed, Steps, with_choices
from impasto.cli.train.run import run_training, run_verb, words_of
from impasto.training.recipes.personal import ConceptKind

# Options that these methods do not use: their texts need the checkpoint's own text encoder, and their pictures are few
# squares.
_UNUSED = ("fresh_text_encoder", "aspect_buckets", "domain_guidance")


@partial(with_choices, without=("fresh_text_encoder", "trained", "domain_guidance"))
def lora(
    *,
    context: typer.Context,
    catalogue: Annotated[Path, typer.Option(help="A folder of pictures, with or without metadata.", metavar="DIR")],
    artist: Annotated[str, typer.Option(help="Whose works alone, as the catalogue or part of a name says.")] = "",
    trigger: Annotated[str, typer.Option(help="Words that go before every text, and that the LoRA answers to.")] = "",
    checkpoint: Checkpoint = "pocket",
    consent: Consent = "",
    minutes: Minutes = None,
    steps: Steps = None,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Train a LoRA (Hu et al. 2021) on a folder of pictures, or on one artist's: a small file that changes a checkpoint."""
    run_verb(context)


@partial(with_choices, without=_UNUSED)
def dreambooth(
    *,
    context: typer.Context,
    subject: Annotated[Path, typer.Option(help="A folder with a few pictures of one thing.", metavar="DIR")],
    token: Annotated[str, typer.Option(help='The words for it in a prompt, such as "sks dog".')],
    class_words: Annotated[
        str, typer.Option("--class", help='What kind of thing it is, such as "a dog": that is not forgotten then.')
    ] = "",
    prior_pictures: Annotated[int, typer.Option(min=1, max=10_000, help="Pictures of the class to paint.")] = 100,
    prior_weight: Annotated[float, typer.Option(min=0, help="How much the class's pictures count.")] = 1.0,
    template: Annotated[str, typer.Option(help="The text of the pictures; {} is where the words go.")] = "a painting of {}",
    checkpoint: Checkpoint = "pocket",
    minutes: Minutes = None,
    steps: Steps = None,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Teach a checkpoint one thing (DreamBooth, Ruiz et al. 2023); with --lora-rank, as a LoRA."""
    run_verb(context)


@partial(with_choices, without=(*_UNUSED, "trained", "lora_rank", "works"))
def textual_inversion(
    *,
    context: typer.Context,
    pictures: Annotated[Path, typer.Argument(help="A folder with a few pictures of a thing or in a style.", metavar="DIR")],
    concept: Annotated[str, typer.Option(help='The new word, such as "<blue-hour>".')],
    initial_word: Annotated[str, typer.Option(help="A word that is near: learning begins there.")] = "painting",
    vectors: Annotated[int, typer.Option(help="How many tokens the new word becomes.")] = 1,
    kind: Annotated[ConceptKind, typer.Option(help="What the word is for: object or style.")] = "object",
    checkpoint: Checkpoint = "pocket",
    minutes: Minutes = None,
    steps: Steps = None,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Learn a word for what some pictures show (textual inversion, Gal et al. 2022): no weight of the checkpoint changes."""
    from impasto.jobs.training.personal import TextualInversionJob

    given = {name: value for name, value in context.params.items() if name != "kind"}  # a job's own `kind` is different
    run_training(TextualInversionJob(**given, concept_kind=kind, command=words_of(context)))

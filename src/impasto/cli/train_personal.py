"""`impasto train lora`, `dreambooth` and `textual-inversion`: a manner, a thing or a word of your own for a checkpoint."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.console import say
from impasto.cli.train_retraining import Checkpoint, Minutes, Out, Seed, Steps, run_recipe, with_choices
from impasto.errors import UsageError
from impasto.jobs.training.class_pictures import paint_class_pictures
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes import personal

# What these methods have no use for: their texts are for the checkpoint's own text encoder, their pictures are few squares.
_UNUSED = ("fresh_text_encoder", "aspect_buckets")


@partial(with_choices, without=("fresh_text_encoder", "trained"))
def lora(
    *,
    context: typer.Context,
    catalogue: Annotated[Path, typer.Option(help="A folder of pictures, with or without metadata.", metavar="DIR")],
    artist: Annotated[str, typer.Option(help="Whose works alone, as the catalogue or part of a name says.")] = "",
    trigger: Annotated[str, typer.Option(help="Words that go before every text, and that the LoRA answers to.")] = "",
    checkpoint: Checkpoint = "pocket",
    minutes: Minutes = None,
    steps: Steps = None,
    out: Out = None,
    seed: Seed = 0,
    changes: dict[str, Any],
) -> None:
    """Train a LoRA (Hu et al. 2021) on a folder of pictures, or on one artist's: a small file that changes a checkpoint."""
    recipe = personal.lora(_side(checkpoint))
    choices = replace(recipe.choices, **changes)
    if not choices.lora_rank:
        raise UsageError("--lora-rank 0: a LoRA has a rank of 1 or more")

    def train(run: Path, choices: FineTuning, **how: Any) -> Path:
        from impasto.training.recipes.retraining import retrain

        return retrain(catalogue, run, choices, checkpoint=checkpoint, artist=artist, trigger=trigger, **how)

    made = run_recipe(
        "lora", context, choices, train, pictures=catalogue, artist=artist, checkpoint=checkpoint, minutes=minutes,
        steps=_usual_steps(recipe, changes, minutes, steps), out=out, seed=seed,
    )  # fmt: skip
    _say_size(made / "pytorch_lora_weights.safetensors")


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
    changes: dict[str, Any],
) -> None:
    """Teach a checkpoint one thing (DreamBooth, Ruiz et al. 2023); with --lora-rank, as a LoRA."""
    from impasto.training.methods.dreambooth import filled

    filled(template, token, "--token")  # said before anything is loaded
    side = _side(checkpoint)
    recipe = personal.dreambooth(side)
    rate = personal.dreambooth_lora_rate(side) if changes.get("lora_rank") else recipe.choices.learning_rate
    choices = replace(recipe.choices, **{"learning_rate": rate, **changes})

    def train(run: Path, choices: FineTuning, *, on_progress: Any, **how: Any) -> Path:
        from impasto.training.recipes.dreambooth import dreambooth as teach

        paint_class = partial(
            paint_class_pictures, run / "prior", count=prior_pictures, checkpoint=checkpoint,
            size=choices.size or side or 512, on_progress=on_progress,
        )  # fmt: skip
        return teach(
            subject, run, choices, token=token, class_words=class_words, paint_class=paint_class,
            prior_weight=prior_weight, template=template, checkpoint=checkpoint, on_progress=on_progress, **how,
        )  # fmt: skip

    made = run_recipe(
        "dreambooth", context, choices, train, pictures=subject, checkpoint=checkpoint, minutes=minutes,
        steps=_usual_steps(recipe, changes, minutes, steps), out=out, seed=seed,
    )  # fmt: skip
    if choices.lora_rank:
        _say_size(made / "pytorch_lora_weights.safetensors")


@partial(with_choices, without=(*_UNUSED, "trained", "lora_rank"))
def textual_inversion(
    *,
    context: typer.Context,
    pictures: Annotated[Path, typer.Argument(help="A folder with a few pictures of a thing or in a style.", metavar="DIR")],
    concept: Annotated[str, typer.Option(help='The new word, such as "<blue-hour>".')],
    initial_word: Annotated[str, typer.Option(help="A word that is near: learning begins there.")] = "painting",
    vectors: Annotated[int, typer.Option(help="How many tokens the new word becomes.")] = 1,
    kind: Annotated[personal.ConceptKind, typer.Option(help="What the word is for: object or style.")] = "object",
    checkpoint: Checkpoint = "pocket",
    minutes: Minutes = None,
    steps: Steps = None,
    out: Out = None,
    seed: Seed = 0,
    changes: dict[str, Any],
) -> None:
    """Learn a word for what some pictures show (textual inversion, Gal et al. 2022): no weight of the checkpoint changes."""
    from impasto.training.methods.textual_inversion import check_name

    check_name(concept)  # said before anything is loaded
    recipe = personal.textual_inversion(_side(checkpoint))
    choices = replace(recipe.choices, **changes)

    def train(run: Path, choices: FineTuning, **how: Any) -> Path:
        from impasto.training.recipes.textual_inversion import invert

        return invert(
            pictures, run, choices, concept=concept, initial_word=initial_word, vectors=vectors, kind=kind,
            checkpoint=checkpoint, **how,
        )  # fmt: skip

    run_recipe(
        "textual-inversion", context, choices, train, pictures=pictures, checkpoint=checkpoint, minutes=minutes,
        steps=_usual_steps(recipe, changes, minutes, steps), out=out, seed=seed, learns="word",
    )  # fmt: skip


def _side(checkpoint: str) -> int | None:
    from impasto.checkpoints.listing import inspect_checkpoint

    return inspect_checkpoint(checkpoint).default_size


def _usual_steps(
    recipe: personal.Personal, changes: dict[str, Any], minutes: float | None, steps: int | None
) -> int | None:
    """The recipe's steps, where neither steps nor minutes nor epochs are asked for."""
    return recipe.steps if steps is None and minutes is None and "epochs" not in changes else steps


def _say_size(file: Path) -> None:
    say(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB")

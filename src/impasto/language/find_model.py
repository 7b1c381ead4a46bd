"""Finds language models by short name, hub name or folder: in the Hugging Face cache first, without asking the network."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError, UsageError

if TYPE_CHECKING:
    from impasto.weights.transformers_folder import TransformersFolder

# Short name -> hub names, the present one first. The cache may hold a model by a name from before it had an owner.
SHORT_NAMES: dict[str, tuple[str, ...]] = {
    "t5-base": ("google-t5/t5-base", "t5-base"),
    "t5-large": ("google-t5/t5-large", "t5-large"),
    "t5-small": ("google-t5/t5-small", "t5-small"),
    "t5-v1.1-base": ("google/t5-v1_1-base",),
    "t5-v1.1-large": ("google/t5-v1_1-large",),
    "t5-base-lm-adapt": ("google/t5-base-lm-adapt",),
    "flan-t5-base": ("google/flan-t5-base",),
    "dialogpt": ("microsoft/DialoGPT-medium",),
    "dialogpt-medium": ("microsoft/DialoGPT-medium",),
    "dialogpt-large": ("microsoft/DialoGPT-large",),
    "dialogpt-small": ("microsoft/DialoGPT-small",),
    "bert": ("dslim/bert-base-NER",),
    "bert-large": ("dslim/bert-large-NER",),
    "gpt2": ("openai-community/gpt2", "gpt2"),
    "gpt2-medium": ("openai-community/gpt2-medium", "gpt2-medium"),
    "gpt2-large": ("openai-community/gpt2-large", "gpt2-large"),
    "gpt2-xl": ("openai-community/gpt2-xl", "gpt2-xl"),
    "distilgpt2": ("distilbert/distilgpt2", "distilgpt2"),
}


def find_language_model(name: str) -> "TransformersFolder":
    """Finds a language model by short name, hub name or folder; torch's own files are accepted, and read weights-only.

    A cached model is used without asking the network. A named one that is not cached is downloaded, unless HF_HUB_OFFLINE is
    set.

    Raises:
        UsageError: the name is none of these.
        MissingPart: it is not on this machine and cannot be downloaded; the message says what to do.
        ImpastoError: a file is broken or asks for code of its own.
    """
    from impasto.weights.transformers_folder import find_transformers_folder

    short = name.strip().casefold()
    if short in SHORT_NAMES and not Path(name).is_dir():
        return cached_language_model(short) or find_transformers_folder(SHORT_NAMES[short][0], pickles=True)
    try:
        return find_transformers_folder(name, pickles=True)
    except UsageError as error:
        if "unknown model" not in str(error):
            raise
        raise UsageError(
            f"unknown language model {name[:200]!r}: use a folder, a hub name org/name, or {', '.join(SHORT_NAMES)}"
        ) from None


def is_model_name(name: str) -> bool:
    """Returns whether the text can be the name of a language model: a short name, or a hub name org/name."""
    from impasto.weights.hub import HUB_NAME

    return name.strip().casefold() in SHORT_NAMES or HUB_NAME.fullmatch(name) is not None


def cached_language_model(name: str) -> "TransformersFolder | None":
    """Returns the model with this short name from the Hugging Face cache; None if the cache has no whole one.

    Raises:
        ImpastoError: a cached file is broken.
    """
    from impasto.weights.hub import cached_folder, is_in_cache
    from impasto.weights.transformers_folder import WITH_PICKLES, find_transformers_folder

    for hub_name in SHORT_NAMES[name]:
        if is_in_cache(hub_name) and (folder := cached_folder(hub_name)) is not None and WITH_PICKLES.is_whole(folder):
            return replace(find_transformers_folder(str(folder), pickles=True), name=hub_name.rpartition("/")[2])
    return None


@contextmanager
def reading_a_text(name: str) -> Iterator[None]:
    """Turns what a model raises on a text into one sentence: its tokenizer does not fit it, or its config is wrong.

    Raises:
        ImpastoError: the model failed.
    """
    from impasto.weights.files import one_line

    try:
        yield
    except ImpastoError:
        raise
    except (RuntimeError, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise ImpastoError(f"{name} fails on a text, so its files may not belong together: {one_line(error)}") from None

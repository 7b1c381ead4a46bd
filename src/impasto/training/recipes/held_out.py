"""Makes the validation of the recipes: the loss on a catalogue's held-out pictures, and sample pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from impasto.checkpoints.components import Components
from impasto.data.caches.latents import TextStates
from impasto.errors import ImpastoError
from impasto.training.examples.training_set import condition_of, encode_texts, encode_training_set, entries_of, triggered
from impasto.training.examples.validation import CheckpointValidation
from impasto.training.loop.progress import Progress, no_report
from impasto.training.methods.fine_tuning_choices import FineTuning

MOST = 64  # the most pictures of a validation: 512 evaluations of the U-Net each time
T = TypeVar("T")


def held_out_validation(
    catalogue: Path,
    artist: str,
    components: Components,
    run: Path,
    choices: FineTuning,
    *,
    trigger: str = "",
    on_progress: Progress = no_report,
) -> CheckpointValidation | None:
    """Returns a validation with the loss on at most `MOST` held-out pictures, and samples painted from some of their texts.

    The samples are written into `run`. If no picture is held out, `on_progress` is called with a note, no loss is measured,
    and the texts are those of training pictures. It returns None if nothing is left to validate. `trigger` is put before
    every text.
    """
    size = choices.size or components.default_size
    try:
        entries = _spread(entries_of(catalogue, artist, held_out=True), MOST)
        data = encode_training_set(entries, components, size, variants=1, on_progress=on_progress)
    except ImpastoError:
        missing = f"no picture{f' of {artist}' if artist else ''} in {catalogue} is held out"
        on_progress(f"skipped the validation loss: {missing}", 1.0, {})
        data, entries = None, entries_of(catalogue, artist)
    else:
        entries = data.entries
        data = triggered(data, trigger)
    shown = _spread(entries, choices.validation_pictures)
    prompts = [", ".join(filter(None, (trigger, condition_of(entry).text()))) for entry in shown]
    if data is None and not prompts:
        return None
    firsts = [texts[0] for texts in data.texts] if data is not None else []
    states = encode_texts(["", *prompts, *firsts], components, on_progress) if choices.trained == "unet" else None
    return CheckpointValidation(
        components, run, every=choices.validation_every, data=data, states=states, prompts=prompts, size=size
    )


def pictures_only(
    components: Components, run: Path, choices: FineTuning, texts: Sequence[str], states: TextStates | None
) -> CheckpointValidation | None:
    """Returns a validation that only paints samples, from `texts` in turn and each with a seed of its own.

    It is for recipes that hold no picture out to measure a loss on. `states` are those of these texts and of the empty text;
    None if the text encoder is trained. It returns None if the choices ask for no picture.
    """
    count = choices.validation_pictures
    if not count:
        return None
    prompts = [texts[n % len(texts)] for n in range(count)]
    size = choices.size or components.default_size
    return CheckpointValidation(
        components, run, every=choices.validation_every, data=None, states=states, prompts=prompts, size=size
    )


def _spread(items: Sequence[T], most: int) -> list[T]:
    """Returns at most `most` of the items, evenly spread."""
    count = min(most, len(items))
    return [items[len(items) * n // count] for n in range(count)]

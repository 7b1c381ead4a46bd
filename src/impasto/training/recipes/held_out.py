"""What the recipes validate: the loss on a catalogue's held-out pictures, and pictures painted meanwhile."""

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

MOST = 64  # pictures: 512 evaluations of the U-Net at each validation
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
    """The loss on at most `MOST` held-out pictures, and pictures painted to the texts of some of them, into `run`.

    Where none is held out, that is told, no loss is measured, and the texts are those of pictures that are trained on. None
    where nothing is left to validate. `trigger` goes before every text.
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
    """Pictures painted to `texts` in turn, each with a seed of its own, where nothing is held out to measure a loss on.

    `states`: of these and of the empty text; None where the text encoder is trained. None where no picture is asked for.
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
    """At most `most` of them, evenly spread."""
    count = min(most, len(items))
    return [items[len(items) * n // count] for n in range(count)]

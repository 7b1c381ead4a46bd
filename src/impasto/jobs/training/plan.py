"""Estimates the memory, time and disk space of a training before it begins."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from impasto.training.estimate.estimate import Estimate
    from impasto.training.methods.fine_tuning_choices import FineTuning

# What a training changes: the weights selected by its options; only a new word; or a student of a teacher; or
# a network beside the U-Net; or a U-Net that sees a picture.
Learns = Literal["weights", "word", "student", "control", "instruct"]


def estimate_training(
    checkpoint: str,
    choices: "FineTuning",
    pictures: Path,
    artist: str | None,
    *,
    minutes: float | None,
    steps: int | None,
    learns: Learns,
) -> "Estimate":
    """Estimates a training on these pictures.

    Args:
        checkpoint: the checkpoint to train.
        choices: the options of the training.
        pictures: the folder of pictures.
        artist: the artist whose pictures are used, without held-out ones; "" for all artists; None for all pictures.
        minutes, steps: duration of the training; None for the epochs in `choices`.
        learns: what the training changes.

    Raises:
        UsageError, MissingPart, ImpastoError: the same as `estimate` and as reading the catalogue.
    """
    from impasto.data.catalogue.read import read_catalogue
    from impasto.training.distributed.launch import process_count
    from impasto.training.estimate.estimate import estimate
    from impasto.training.estimate.step_costs import choose_encoder, choose_word
    from impasto.training.examples.training_set import entries_of, repeated
    from impasto.training.methods.distillation import add_student
    from impasto.training.methods.distillation_choices import Distillation
    from impasto.training.methods.fine_tuning import choose_weights

    entries = read_catalogue(pictures, check_images=False).entries if artist is None else entries_of(pictures, artist)
    kinds = {"word": choose_word, "student": add_student, "control": choose_encoder}
    passes = choices.other_passes if isinstance(choices, Distillation) else int(learns == "control")
    return estimate(
        checkpoint, choices, repeated(entries), steps=steps, minutes=minutes, processes=process_count(),
        choose=kinds.get(learns, choose_weights), other_passes=passes, editing=learns == "instruct",
    )  # fmt: skip


def estimate_to_json(estimate: "Estimate") -> dict[str, Any]:
    """Converts the estimate to JSON types."""
    values = asdict(estimate)
    return {**values, "to_encode": list(values["to_encode"])}


def estimate_from_json(values: Mapping[str, Any]) -> "Estimate":
    """Restores an estimate from the values of `estimate_to_json`."""
    from impasto.training.estimate.cost import Disk, Memory
    from impasto.training.estimate.estimate import Estimate

    pictures, texts = values["to_encode"]
    return Estimate(
        **{
            **values, "to_encode": (pictures, texts), "memory": Memory(**values["memory"]), "disk": Disk(**values["disk"]),
        }
    )  # fmt: skip

"""What a training takes of memory, time and disk, told before it begins."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from impasto.training.estimate.estimate import Estimate
    from impasto.training.methods.fine_tuning_choices import FineTuning

# What a training changes: weights, as its choices say; only a new word; or a student of a teacher.
Learns = Literal["weights", "word", "student"]


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
    """What training takes on these pictures.

    Args:
        artist: whose pictures are learned of those that are not held out, "" for everybody's; None for all there are.
        minutes, steps: how long; None for the choices' epochs.

    Raises:
        UsageError, MissingPart, ImpastoError: as `estimate`, and as who reads the catalogue.
    """
    from impasto.data.catalogue.read import read_catalogue
    from impasto.training.distributed.launch import process_count
    from impasto.training.estimate.estimate import estimate
    from impasto.training.estimate.step_costs import choose_word
    from impasto.training.examples.training_set import entries_of
    from impasto.training.methods.distillation import add_student
    from impasto.training.methods.distillation_choices import Distillation
    from impasto.training.methods.fine_tuning import choose_weights

    entries = read_catalogue(pictures, check_images=False).entries if artist is None else entries_of(pictures, artist)
    choose = {"weights": choose_weights, "word": choose_word, "student": add_student}[learns]
    passes = choices.other_passes if isinstance(choices, Distillation) else 0
    return estimate(
        checkpoint, choices, entries, steps=steps, minutes=minutes, processes=process_count(), choose=choose,
        other_passes=passes,
    )  # fmt: skip


def estimate_to_json(estimate: "Estimate") -> dict[str, Any]:
    """The estimate in JSON values."""
    values = asdict(estimate)
    return {**values, "to_encode": list(values["to_encode"])}


def estimate_from_json(values: Mapping[str, Any]) -> "Estimate":
    """The estimate that `estimate_to_json` gave."""
    from impasto.training.estimate.cost import Disk, Memory
    from impasto.training.estimate.estimate import Estimate

    pictures, texts = values["to_encode"]
    return Estimate(
        **{
            **values, "to_encode": (pictures, texts), "memory": Memory(**values["memory"]), "disk": Disk(**values["disk"]),
        }
    )  # fmt: skip

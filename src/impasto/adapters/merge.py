"""Loads adapters by name (LoRAs with their scales, and textual inversions) and applies them to a checkpoint."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from impasto.adapters.lora.files import Lora, find_lora, load_lora
from impasto.adapters.lora.merge import apply_loras, check_scale
from impasto.adapters.textual_inversion import Concept, add_concept, load_concepts

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components

# "runs/monet:0.8", or a loaded LoRA and its scale.
LoraChoice = str | tuple[Lora, float]
ConceptChoice = str | Concept


def split_scale(word: str) -> tuple[str, float | None]:
    """Splits `runs/monet:0.8` into ("runs/monet", 0.8); without a scale, (path, None). A path may contain colons itself.

    Raises:
        UsageError: the scale is out of its range.
    """
    path, colon, tail = word.rpartition(":")
    if not colon or not path or find_lora(word) is not None:
        return word, None
    try:
        return path, check_scale(float(tail))
    except ValueError:
        return word, None


def loaded_loras(choices: Sequence[LoraChoice]) -> list[tuple[Lora, float]]:
    """Loads the LoRAs of `choices`; returns them with their scales, which default to 1.

    Raises:
        UsageError, MissingPart, ImpastoError: as `split_scale` and `load_lora`.
    """
    chosen: list[tuple[Lora, float]] = []
    for choice in choices:
        if isinstance(choice, str):
            path, scale = split_scale(choice)
            choice = (load_lora(path), 1.0 if scale is None else scale)
        chosen.append(choice)
    return chosen


def loaded_concepts(choices: Sequence[ConceptChoice]) -> list[Concept]:
    """Loads the concepts (textual inversions) of `choices`.

    Raises:
        MissingPart, ImpastoError: as `load_concepts`.
    """
    found: list[Concept] = []
    for choice in choices:
        found += load_concepts(choice) if isinstance(choice, str) else [choice]
    return found


def apply_adapters(
    components: "Components", loras: Sequence[LoraChoice] = (), concepts: Sequence[ConceptChoice] = ()
) -> "Components":
    """Returns `components` with the LoRAs merged, each at its scale or at 1, and then the concepts added.

    Raises:
        UsageError, MissingPart, ImpastoError: as `load_lora`, `apply_loras`, `load_concepts` and `add_concept`.
    """
    components = apply_loras(components, loaded_loras(loras))
    for concept in loaded_concepts(concepts):
        components = add_concept(components, concept)
    return components

"""Loads the adapters of a painting job, LoRAs and concepts: from options, or from a picture's provenance record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from impasto.errors import MissingPart

if TYPE_CHECKING:
    from impasto.adapters.lora.files import Lora
    from impasto.adapters.textual_inversion import Concept
    from impasto.checkpoints.applied_adapters import AppliedConcept, AppliedLora
    from impasto.painting.provenance.record import Provenance

Say = Callable[[str], None]  # called with notes for the user
Loaded = TypeVar("Loaded", "Lora", "Concept")


@dataclass(frozen=True)
class Adapters:
    """LoRAs with their scales, and concepts: loaded, but not yet applied."""

    loras: "tuple[tuple[Lora, float], ...]" = ()
    concepts: "tuple[Concept, ...]" = ()

    @classmethod
    def named(cls, loras: Sequence[str] | None, concepts: Sequence[str] | None) -> "Adapters":
        """Loads the adapters named by the options; a LoRA without a scale gets scale 1.

        Raises:
            UsageError, MissingPart, ImpastoError: a scale is out of its range; a file does not exist or is broken.
        """
        if not loras and not concepts:
            return cls()
        from impasto.adapters.textual_inversion import load_concepts

        return cls(
            tuple((lora, 1.0 if scale is None else scale) for lora, scale in map(_load, loras or ())),
            tuple(concept for path in concepts or () for concept in load_concepts(path)),
        )

    @classmethod
    def recorded(
        cls, record: "Provenance", loras: Sequence[str] | None, concepts: Sequence[str] | None, say: Say
    ) -> "Adapters":
        """Loads the adapters named in `record`, from the paths recorded there, or those of the options instead.

        Args:
            record: the picture's record.
            loras, concepts: replace the recorded ones; None keeps them, '' stands for none. A LoRA without a scale gets
                its recorded scale.
            say: called with a note if an adapter is not the recorded one.

        Raises:
            MissingPart: a recorded adapter no longer exists.
            UsageError, ImpastoError: the same as `named`.
        """
        return cls(tuple(_recorded_loras(record, loras, say)), tuple(_recorded_concepts(record, concepts, say)))

    @property
    def student_steps(self) -> int:
        """The smallest number of steps for which a distilled student among the LoRAs was made; 0 if there is none."""
        return min((lora.steps for lora, _ in self.loras if lora.steps), default=0)

    def with_student(self, checkpoint: str, say: Say) -> "Adapters":
        """Returns these adapters, plus pocket's few-step student if there is no student among them.

        `say` is called with a note about the added student. For other checkpoints, `say` is called with a note that a
        student is needed: whether the checkpoint, or a LoRA without this information, was distilled cannot be detected.

        Raises:
            MissingPart, ImpastoError: pocket's student does not exist or is broken.
        """
        if self.student_steps:
            return self
        if checkpoint != "pocket":
            if not self.loras:
                say(
                    f"lcm needs a distilled checkpoint or LoRA: if {checkpoint} is none, `impasto train distill` makes one"
                )
            return self
        from impasto.adapters.lora.files import POCKET_STUDENT, load_lora

        student = load_lora(POCKET_STUDENT)
        say(f"lcm paints with pocket's few-step student (--lora {POCKET_STUDENT})")
        return replace(self, loras=(*self.loras, (student, 1.0)))

    def without_students(self) -> "Adapters":
        """Returns these adapters without students, which other samplers do not use."""
        return replace(self, loras=tuple((lora, scale) for lora, scale in self.loras if not lora.steps))

    def say_other_bases(self, base_name: str, base_hash: str, say: Say) -> None:
        """Notes which LoRAs were trained on another checkpoint than this one."""
        for lora, _ in self.loras:
            if lora.base_hash and lora.base_hash != base_hash:
                trained_on = lora.base_name or "another checkpoint"
                say(f"the LoRA {lora.name} was trained on {trained_on}, not on this {base_name}")


NO_ADAPTERS = Adapters()


def _load(word: str) -> "tuple[Lora, float | None]":
    from impasto.adapters.lora.files import load_lora
    from impasto.adapters.merge import split_scale

    path, scale = split_scale(word)
    return load_lora(path), scale


def _recorded_loras(record: "Provenance", words: Sequence[str] | None, say: Say) -> "list[tuple[Lora, float]]":
    if words is None:
        from impasto.adapters.lora.files import load_lora

        return [(_find(lora, "LoRA", "--lora", load_lora, say), lora.scale) for lora in record.loras]
    scales = {lora.content_hash: lora.scale for lora in record.loras}
    chosen = []
    for lora, scale in map(_load, filter(None, words)):
        _say_other(lora, "LoRA", scales, say)
        chosen.append((lora, scales.get(lora.content_hash, 1.0) if scale is None else scale))
    return chosen


def _recorded_concepts(record: "Provenance", paths: Sequence[str] | None, say: Say) -> "list[Concept]":
    if paths is None and not record.concepts:
        return []
    from impasto.adapters.textual_inversion import load_concept, load_concepts

    if paths is None:
        return [
            _find(concept, "concept", "--concept", partial(load_concept, name=concept.name), say)
            for concept in record.concepts
        ]
    concepts = [concept for path in filter(None, paths) for concept in load_concepts(path)]
    for concept in concepts:
        _say_other(concept, "concept", [recorded.content_hash for recorded in record.concepts], say)
    return concepts


def _find(
    record: "AppliedLora | AppliedConcept", kind: str, option: str, load: Callable[[str], Loaded], say: Say
) -> Loaded:
    """Loads the adapter that `record` names from its recorded path; an adapter made in memory has no path."""
    asked = f"the {kind} {record.name} that it was painted with"
    if not record.path:
        raise MissingPart(f"{asked} was in no file: say with {option} where it is")
    try:
        found = load(record.path)
    except MissingPart:
        raise MissingPart(f"{asked} is not at {record.path}: say with {option} where it is") from None
    _say_other(found, kind, [record.content_hash], say)
    return found


def _say_other(found: "Lora | Concept", kind: str, hashes: Sequence[str] | dict[str, float], say: Say) -> None:
    if found.content_hash not in hashes:
        say(f"{found.path} is not the {kind} it was painted with: it may differ")

"""`--lora` and `--concept`: what is laid over a checkpoint, named on the command line or in a picture's record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from impasto.cli.console import say_note
from impasto.errors import MissingPart

if TYPE_CHECKING:
    from impasto.adapters.lora.files import Lora
    from impasto.adapters.textual_inversion import Concept
    from impasto.checkpoints.applied_adapters import AppliedConcept, AppliedLora
    from impasto.painting.provenance.record import Provenance

LoraNames = Annotated[
    list[str] | None,
    typer.Option(
        "--lora",
        help="A LoRA to merge, and how strongly: a run's folder or a .safetensors file; may be repeated.",
        metavar="PATH[:SCALE]",
    ),
]
ConceptNames = Annotated[
    list[str] | None,
    typer.Option("--concept", help="A textual inversion's .safetensors file; may be repeated.", metavar="FILE"),
]
Loaded = TypeVar("Loaded", "Lora", "Concept")


@dataclass(frozen=True)
class LaidOver:
    """LoRAs with their scales, and concepts: loaded, but not yet applied."""

    loras: "tuple[tuple[Lora, float], ...]" = ()
    concepts: "tuple[Concept, ...]" = ()

    @classmethod
    def named(cls, loras: Sequence[str] | None, concepts: Sequence[str] | None) -> "LaidOver":
        """Those of the options, a LoRA without a scale at 1.

        Raises:
            UsageError, MissingPart, ImpastoError: a scale out of its range; a file that is not there or is broken.
        """
        if not loras and not concepts:
            return cls()
        from impasto.adapters.textual_inversion import load_concept

        return cls(
            tuple((lora, 1.0 if scale is None else scale) for lora, scale in map(_load, loras or ())),
            tuple(load_concept(path) for path in concepts or ()),
        )

    @classmethod
    def recorded(
        cls, record: "Provenance", loras: Sequence[str] | None, concepts: Sequence[str] | None
    ) -> "LaidOver":
        """Those that `record` names, at the places it names; or those of the options instead ('' for none), a LoRA
        without a scale at the one it is recorded with. It is said where one is not what it was.

        Raises:
            MissingPart: one is gone.
            UsageError, ImpastoError: as `named`.
        """
        return cls(tuple(_recorded_loras(record, loras)), tuple(_recorded_concepts(record, concepts)))

    @property
    def student_steps(self) -> int:
        """The fewest steps that a student among the LoRAs was made for; 0 without one."""
        return min((lora.steps for lora, _ in self.loras if lora.steps), default=0)

    def with_student(self, checkpoint: str) -> "LaidOver":
        """These, and pocket's own few-step student where none was given; it is said. For other checkpoints it is said
        what is missing: whether they, or a LoRA that does not say so, were distilled, cannot be seen.

        Raises:
            MissingPart, ImpastoError: pocket's student is not there or is broken.
        """
        if self.student_steps:
            return self
        if checkpoint != "pocket":
            if not self.loras:
                say_note(
                    f"lcm needs a distilled checkpoint or LoRA: if {checkpoint} is none, `impasto train distill` makes one"
                )
            return self
        from impasto.adapters.lora.files import POCKET_STUDENT, load_lora

        student = load_lora(POCKET_STUDENT)
        say_note(f"lcm paints with pocket's few-step student (--lora {POCKET_STUDENT})")
        return replace(self, loras=(*self.loras, (student, 1.0)))

    def without_students(self) -> "LaidOver":
        """These but for students, which other samplers have no use for."""
        return replace(self, loras=tuple((lora, scale) for lora, scale in self.loras if not lora.steps))

    def say_other_bases(self, base_name: str, base_hash: str) -> None:
        """Notes of the LoRAs that were trained on another checkpoint than this one."""
        for lora, _ in self.loras:
            if lora.base_hash and lora.base_hash != base_hash:
                trained_on = lora.base_name or "another checkpoint"
                say_note(f"the LoRA {lora.name} was trained on {trained_on}, not on this {base_name}")


NOTHING = LaidOver()


def _load(word: str) -> "tuple[Lora, float | None]":
    from impasto.adapters.lora.files import load_lora
    from impasto.adapters.merge import split_scale

    path, scale = split_scale(word)
    return load_lora(path), scale


def _recorded_loras(record: "Provenance", words: Sequence[str] | None) -> "list[tuple[Lora, float]]":
    if words is None:
        from impasto.adapters.lora.files import load_lora

        return [(_find(lora, "LoRA", "--lora", load_lora), lora.scale) for lora in record.loras]
    scales = {lora.content_hash: lora.scale for lora in record.loras}
    chosen = []
    for lora, scale in map(_load, filter(None, words)):
        _say_other(lora, "LoRA", scales)
        chosen.append((lora, scales.get(lora.content_hash, 1.0) if scale is None else scale))
    return chosen


def _recorded_concepts(record: "Provenance", paths: Sequence[str] | None) -> "list[Concept]":
    if paths is None and not record.concepts:
        return []
    from impasto.adapters.textual_inversion import load_concept

    if paths is None:
        return [_find(concept, "concept", "--concept", load_concept) for concept in record.concepts]
    concepts = [load_concept(path) for path in filter(None, paths)]
    for concept in concepts:
        _say_other(concept, "concept", [recorded.content_hash for recorded in record.concepts])
    return concepts


def _find(
    record: "AppliedLora | AppliedConcept", kind: str, option: str, load: Callable[[str], Loaded]
) -> Loaded:
    """What `record` names, from where it was; one that was made in memory was nowhere."""
    asked = f"the {kind} {record.name} that it was painted with"
    if not record.path:
        raise MissingPart(f"{asked} was in no file: say with {option} where it is")
    try:
        found = load(record.path)
    except MissingPart:
        raise MissingPart(f"{asked} is not at {record.path}: say with {option} where it is") from None
    _say_other(found, kind, [record.content_hash])
    return found


def _say_other(found: "Lora | Concept", kind: str, hashes: Sequence[str] | dict[str, float]) -> None:
    if found.content_hash not in hashes:
        say_note(f"{found.path} is not the {kind} it was painted with: it may differ")

"""Records of the adapters that were applied to a checkpoint, for a painting's provenance. It does not import torch."""

from dataclasses import dataclass
from pathlib import Path

_LONGEST_NAME = 100  # of a concept


@dataclass(frozen=True)
class AppliedLora:
    """The record of a LoRA that was merged into a checkpoint's weights.

    Attributes:
        name: the LoRA's name.
        path: the path it was read from, as given.
        content_hash: of its layers (`Lora.content_hash`).
        scale: the factor of its change.
    """

    name: str
    path: str
    content_hash: str
    scale: float


@dataclass(frozen=True)
class AppliedConcept:
    """The record of a textual inversion that was added to a checkpoint's text encoder.

    Attributes:
        name: the word that invokes it in a prompt, such as `<blue-hour>`.
        path: the path it was read from, as given.
        content_hash: of its vectors (`Concept.content_hash`).
        vectors: the number of tokens that the word becomes.
    """

    name: str
    path: str
    content_hash: str
    vectors: int

    @property
    def tokens(self) -> tuple[str, ...]:
        """The names of its tokens, as diffusers gives them: `<blue-hour>`, `<blue-hour>_1`, ..."""
        return self.name, *(f"{self.name}_{k}" for k in range(1, self.vectors))


def printable_path(path: str | Path) -> str:
    """Returns `path` for a record, which holds printable text only; "" if the path does not print."""
    return str(path) if str(path).isprintable() else ""


def is_single_word(name: str) -> bool:
    """Returns whether `name` is valid for a concept: printable, one word and not too long."""
    return name.isprintable() and not any(map(str.isspace, name)) and 1 <= len(name) <= _LONGEST_NAME

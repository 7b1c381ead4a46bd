"""What was laid over a checkpoint before it painted: a record for paintings, light enough to read without torch."""

from dataclasses import dataclass
from pathlib import Path

_LONGEST_NAME = 100  # of a concept


@dataclass(frozen=True)
class AppliedLora:
    """A LoRA in a checkpoint's weights.

    Attributes:
        name: the LoRA's.
        path: where it was read, as it was given.
        content_hash: of its layers (`Lora.content_hash`).
        scale: what its change was multiplied by.
    """

    name: str
    path: str
    content_hash: str
    scale: float


@dataclass(frozen=True)
class AppliedConcept:
    """A textual inversion in a checkpoint's text encoder.

    Attributes:
        name: the word that stands for it in a prompt, such as `<blue-hour>`.
        path: where it was read, as it was given.
        content_hash: of its vectors (`Concept.content_hash`).
        vectors: how many tokens the word becomes.
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
    """`path` for a record, which holds printable text only; "" where it is none."""
    return str(path) if str(path).isprintable() else ""


def is_single_word(name: str) -> bool:
    """Whether a concept can be called so: printable, of one word and not too long."""
    return name.isprintable() and not any(map(str.isspace, name)) and 1 <= len(name) <= _LONGEST_NAME

"""What proposes expansions: knowledge that is looked up, and language models that write on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Candidate:
    """A text that may expand a prompt, and where it comes from ("handbook: Venice", "continuation")."""

    text: str
    source: str


class Proposer(Protocol):
    """Proposes candidates for a prompt. The same prompt and seed give the same candidates."""

    name: str

    def propose(self, prompt: str, *, count: int, seed: int) -> Sequence[Candidate]:
        """About `count` candidates, fewer where there are none.

        Raises:
            MissingPart: a package or a model is not installed.
        """
        ...

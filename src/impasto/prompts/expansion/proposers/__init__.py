"""The interface of proposers of prompt expansions: knowledge indexes and language models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Candidate:
    """A text that may expand a prompt, and its source ("handbook: Venice", "continuation")."""

    text: str
    source: str


class Proposer(Protocol):
    """Proposes candidates for a prompt. The same prompt and seed give the same candidates."""

    name: str

    def propose(self, prompt: str, *, count: int, seed: int) -> Sequence[Candidate]:
        """Returns about `count` candidates, or fewer if there are not enough.

        Raises:
            MissingPart: a package or a model is not installed.
        """
        ...


def discarded_by(proposer: Proposer) -> Sequence[tuple[Candidate, str]]:
    """Returns what a proposer's model wrote in its last `propose` and what was no candidate, each with the reason.

    Proposers with a language model have it in their attribute `discarded`.
    """
    return getattr(proposer, "discarded", ())

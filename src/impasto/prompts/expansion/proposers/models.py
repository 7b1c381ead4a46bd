"""What the proposers ask of a language model, whichever it is: SmolLM2 in llama.cpp, T5, DialoGPT, GPT-2."""

from collections.abc import Sequence
from typing import Protocol


class Writes(Protocol):
    """A language model that continues texts and answers questions. The same text and seed give the same result."""

    def go_on(self, text: str, *, seed: int, count: int, tokens: int, stop: Sequence[str] = ()) -> list[tuple[str, bool]]:
        """Returns for each of the seeds `seed`, `seed` + 1, ... a continuation of `text`, and whether the model ended it.

        Each has at most `tokens` tokens. `stop`: strings that end it and are not part of it.
        """
        ...

    def answer(
        self, system: str, question: str, *, seed: int, count: int, tokens: int, stop: Sequence[str] = ()
    ) -> list[tuple[str, bool]]:
        """Returns for each of the seeds `seed`, `seed` + 1, ... an answer, and whether the model ended it; see `go_on`.

        `system`: how to answer; models without a place for it leave it out.
        """
        ...

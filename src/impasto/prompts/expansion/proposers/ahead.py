"""Runs proposers in a thread of their own, while other parts are loaded: llama.cpp needs no Python while it writes."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from impasto.prompts.expansion.proposers import Candidate, Proposer, discarded_by

_Written = tuple[Sequence[Proposer], list[Candidate], list[tuple[Candidate, str]]]


class Ahead:
    """Proposers that start to write when this object is made, all for the same prompt, one after the other.

    It is a proposer itself: `propose` waits for what was written. Asked for something else (another seed), it runs the
    proposers then. Only for models whose loading imports no torch: two threads must not import torch at once.
    """

    name = "ahead"

    def __init__(self, load: Callable[[], Sequence[Proposer]], prompt: str, *, count: int, seed: int) -> None:
        """`load`: called in the thread; returns the proposers. `prompt`, `count`, `seed`: as for `propose`."""
        self._order = (prompt, count, seed)
        self.discarded: list[tuple[Candidate, str]] = []  # of the last `propose`; see `discarded_by`
        pool = ThreadPoolExecutor(1, "writing ahead")
        self._written: Future[_Written] = pool.submit(self._write, load)
        pool.shutdown(wait=False)  # the thread ends when it has written

    def _write(self, load: Callable[[], Sequence[Proposer]]) -> _Written:
        writers = load()
        found, discarded = _proposed(writers, *self._order)
        return writers, found, discarded

    def propose(self, prompt: str, *, count: int, seed: int) -> Sequence[Candidate]:
        """Returns the candidates of all proposers, in their order. Raises what loading and writing raised."""
        writers, found, self.discarded = self._written.result()
        if (prompt, count, seed) != self._order:
            found, self.discarded = _proposed(writers, prompt, count, seed)
        return found


def _proposed(
    writers: Sequence[Proposer], prompt: str, count: int, seed: int
) -> tuple[list[Candidate], list[tuple[Candidate, str]]]:
    found: list[Candidate] = []
    discarded: list[tuple[Candidate, str]] = []
    for writer in writers:
        found += writer.propose(prompt, count=count, seed=seed)
        discarded += discarded_by(writer)
    return found, discarded

from collections.abc import Sequence

import numpy as np
import pytest

from impasto.errors import UsageError
from impasto.prompts.expansion import Expansion, Search, expand_wu2022, fit_budget
from impasto.prompts.proposers import Candidate
from impasto.prompts.proposers.knowledge import Article, KnowledgeIndex, KnowledgeProposer
from impasto.prompts.term_table import TermTable

TABLE = TermTable.count(["boats on the sea", "a red house", "the harbour of Honfleur at dawn"] * 20, at_least=1)
KNOWLEDGE = KnowledgeProposer(
    KnowledgeIndex(
        [
            Article(
                "Boats",
                ("Boats",),
                "Fishing boats leave the harbour of Venice at dawn. Claude Monet painted boats. Boats sink quickly.",
                "a: Boats",
            ),
            Article("Lamps", ("Lamps",), "Paper lamps swing over boats on the river in Kyoto.", "a: Lamps"),
        ]
    )
)


class Writer:
    name = "writer"

    def propose(self, prompt: str, *, count: int, seed: int) -> Sequence[Candidate]:
        lamps = f"Boats number {seed} pass under paper lamps at night."
        texts = [lamps, "Sure, here is a boat for you.", "A house on a hill."]
        return [Candidate(text, self.name) for text in texts[:count]]


def embed(texts: Sequence[str]) -> np.ndarray:
    return np.array([[1.0, 0.0] if "boat" in text.casefold() else [0.1, 0.995] for text in texts], np.float32)


def count_words(text: str) -> int:
    return len(text.split()) + 2


def expand(prompt: str = "boats", most_tokens: int = 77, search: Search | None = None, count: int = 5) -> list[Expansion]:
    return expand_wu2022(
        prompt, writers=[Writer()], knowledge=KNOWLEDGE, embed=embed, table=TABLE, count_tokens=count_words,
        count=count, most_tokens=most_tokens, search=search, seed=3,
    )  # fmt: skip


def test_the_users_words_come_first_and_the_best_is_first() -> None:
    found = expand()
    assert all(expansion.text.startswith("boats, ") for expansion in found)
    assert [e.score for e in found] == sorted((e.score for e in found), reverse=True)
    assert all(sum(e.components.values()) == pytest.approx(e.score) for e in found)
    # What the writer wrote of lamps led to the article on lamps.
    assert {"writer", "a: Boats", "a: Lamps"} == {e.source for e in found}
    places = [e.text[start:end] for e in found for start, end, kind in e.spans if kind == "place"]
    assert "Venice" in places and "Kyoto" in places
    assert len(expand(count=1)) == 1


def test_every_dropped_candidate_has_its_reason() -> None:
    search = Search()
    expand(search=search)
    reasons = {candidate.text: reason for candidate, reason in search.dropped}
    assert reasons["Sure, here is a boat for you."] == "speaks to somebody"
    assert reasons["Claude Monet painted boats."] == "brings in Claude Monet"
    assert reasons["A house on a hill."].startswith("off the subject")


def test_the_weakest_parts_go_when_there_is_no_room() -> None:
    text = "Fishing boats leave the harbour, with a red house, and gulls of Honfleur"
    assert fit_budget("boats", text, TABLE, count_words) == (text, [])
    added, left_out = fit_budget("boats", text, TABLE, count_words, most_tokens=13)
    assert added.startswith("Fishing boats leave the harbour") and left_out
    assert count_words(f"boats, {added}") <= 13
    nothing, everything = fit_budget("boats", text, TABLE, count_words, most_tokens=3)
    assert nothing == "" and len(everything) == 3


@pytest.mark.parametrize("prompt", ["", "   ", "!!! ...", "🚢🌊", "x" * 3000, "boats\x07"])
def test_what_is_no_prompt_is_refused(prompt: str) -> None:
    with pytest.raises(UsageError):
        expand(prompt)

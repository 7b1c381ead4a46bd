from collections.abc import Sequence

import numpy as np
import pytest

from impasto.errors import UsageError
from impasto.prompts.expansion.pipeline import Expansion, Measures, Search, expand_wang2023, expand_wu2022, fit_budget
from impasto.prompts.expansion.proposers import Candidate
from impasto.prompts.expansion.proposers.knowledge import Article, KnowledgeIndex, KnowledgeProposer
from impasto.prompts.expansion.term_table import TermTable

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
        prompt,
        writers=[Writer()],
        knowledge=KNOWLEDGE,
        measures=Measures(embed, TABLE, count_words, most_tokens=most_tokens),
        count=count,
        search=search,
        seed=3,
    )


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


class Continuer:
    """Goes on writing as a prompt model does: with a comma of its own, or in the middle of a sentence."""

    name = "continuer"

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)
        self.asked: list[tuple[int, int]] = []

    def propose(self, prompt: str, *, count: int, seed: int) -> Sequence[Candidate]:
        self.asked.append((count, seed))
        return [Candidate(text, self.name) for text in self.texts[:count]]


def test_a_continuation_keeps_the_users_words_whole_and_first() -> None:
    writer = Continuer(
        [
            ", calm water at dawn, gulls over the pier",
            " leaving the harbour of Honfleur at night",
            ", its sails in the wind",  # a continuation may say "its"
            ", painted by Greg Rutkowski himself",
            ", Sure, here is a boat",
            ", and the",
        ]
    )
    search = Search()
    found = expand_wang2023("two boats", writer=writer, measures=Measures(embed, TABLE, count_words), count=3, search=search)
    assert {e.text for e in found} == {
        "two boats, calm water at dawn, gulls over the pier",
        "two boats leaving the harbour of Honfleur at night",
        "two boats, its sails in the wind",
    }
    assert writer.asked == [(6, 0)]
    reasons = {candidate.text: reason for candidate, reason in search.dropped}
    assert "Rutkowski" in reasons[", painted by Greg Rutkowski himself"].title()
    assert reasons[", Sure, here is a boat"] == "speaks to somebody" and reasons[", and the"] == "breaks off"
    few = Continuer([", calm water at dawn"])
    expand_wang2023("boats", writer=few, measures=Measures(embed, TABLE, count_words), count=3, seed=2)
    assert few.asked == [(6, 2000), (6, 2100), (6, 2200)]


def test_what_loses_the_subject_is_dropped() -> None:
    def forgetful(texts: Sequence[str]) -> np.ndarray:
        return np.array([[1.0, 0.0] if text == "boats" else [0.3, 0.954] for text in texts], np.float32)

    search = Search()
    writer = Continuer([", a red house at the foot of a hill"])
    assert not expand_wang2023("boats", writer=writer, measures=Measures(forgetful, TABLE, count_words), search=search)
    assert any(reason.startswith("loses the subject (cosine 0.30") for _, reason in search.dropped)

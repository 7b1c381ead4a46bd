from collections.abc import Sequence

import numpy as np
import pytest

from impasto.prompts.expansion.scoring import Weights, score
from impasto.prompts.expansion.term_table import TermTable

TABLE = TermTable.count(["boats on the sea", "a red house", "the harbour of Honfleur"] * 20, at_least=1)


def embed(texts: Sequence[str]) -> np.ndarray:
    """Directions by whether a text speaks of boats."""
    return np.array([[1.0, 0.0] if "boat" in text else [0.6, 0.8] for text in texts], np.float32)


def test_the_terms_add_up_to_equation_20() -> None:
    texts = ["boats at Honfleur at dawn in the 1860s", "a red house"]
    first, second = score("boats", texts, embed, TABLE, Weights(likeness=2.0, entities=0.5))
    assert first.likeness == pytest.approx(1.0) and second.likeness == pytest.approx(0.6)
    assert first.richness == TABLE.richness(texts[0])
    assert len(first.entities) >= 2 and second.entities == ()
    count = min(3, len(first.entities))
    assert first.total == pytest.approx(first.richness + 2.0 * first.likeness + 0.5 * count)
    assert sum(second.terms.values()) == pytest.approx(second.total)
    assert first.total > second.total


def test_no_more_than_three_entities_count() -> None:
    (many,) = score("boats", ["boats in Paris, London, Rome, Venice, Cairo and Tokyo"], embed, TABLE)
    assert len(many.entities) > 3
    assert many.terms["place and time"] == pytest.approx(0.3)


def test_the_parameters_of_the_score() -> None:
    text = "boats in Paris, London, Rome and Venice on the sea"
    (one,) = score("boats", [text], embed, TABLE, Weights(0.5, 0.2, 2, "sum"))
    assert one.terms == {
        "tf-idf": TABLE.richness(text, "sum"),
        "cosine": pytest.approx(0.5),
        "place and time": pytest.approx(0.4),
    }


class Painter:
    """Takes every "boats" for a place."""

    name, labels = "painter", ("B-LOC",)

    def spans(self, texts: Sequence[str]) -> list[list[tuple[str, int, int]]]:
        return [[("LOC", place, place + 5)] if (place := text.find("boats")) >= 0 else [] for text in texts]


def test_another_recogniser_counts_the_places() -> None:
    (one,) = score("boats", ["red boats in Paris"], embed, TABLE, recogniser=Painter())
    assert [(entity.words, entity.kind) for entity in one.entities] == [("boats", "place")]


def test_nothing_to_score() -> None:
    assert score("boats", [], embed, TABLE) == []

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


def test_nothing_to_score() -> None:
    assert score("boats", [], embed, TABLE) == []

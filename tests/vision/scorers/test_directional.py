"""Directional similarity against its formula."""

import numpy as np

from impasto.vision.scorers.directional import directional_similarity


def test_it_is_the_cosine_of_the_changes() -> None:
    before, text_before, text_after = np.eye(3)[[0]], np.eye(3)[[0]], np.eye(3)[[1]]
    towards = np.array([[-1.0, 1.0, 0.0]])  # what the text does
    aslant = np.array([[-1.0, 1.0, 2**0.5]])
    after = before + np.concatenate([2 * towards, -towards, np.eye(3)[[2]], 0 * towards, aslant])
    found = directional_similarity(before, after, text_before, text_after)
    assert np.allclose(found, [1, -1, 0, 0, 2**-0.5], atol=1e-6)
    assert found.dtype == np.float32


def test_a_text_that_does_not_change_has_no_direction() -> None:
    one = np.eye(2)[[0]]
    assert directional_similarity(one, np.eye(2)[[1]], one, one) == 0

import numpy as np
import pytest

pytest.importorskip("cv2")
import cv2

from impasto.training.examples.redrawn import redraw, redraw_some


def edges() -> np.ndarray:
    drawn = np.zeros((128, 128), np.uint8)
    cv2.rectangle(drawn, (30, 40), (90, 100), 255, 1)
    drawn[10, 10] = 255
    return drawn


def test_strokes_are_thicker_and_near_the_edges() -> None:
    near = cv2.dilate(edges(), np.ones((9, 9), np.uint8)) > 0
    inked = []
    for seed in range(20):
        made = redraw(edges(), np.random.default_rng(seed))
        assert set(np.unique(made)) <= {0, 255}
        assert not made[~near].any()
        inked.append((made > 0).sum() / (edges() > 0).sum())
    assert 1.5 < np.median(inked) < 5
    assert min(inked) < 1, "a stroke is left out now and then"


def test_the_seeds_alone_decide_and_the_given_maps_stay() -> None:
    maps = np.repeat(np.repeat(edges()[None, :, :, None], 3, axis=3), 40, axis=0)
    before, seeds = maps.copy(), [(0, 7, number) for number in range(40)]
    made = redraw_some(maps, 0.5, seeds)
    assert np.array_equal(maps, before)
    assert np.array_equal(made, redraw_some(maps, 0.5, seeds))
    changed = [not np.array_equal(one, two) for one, two in zip(made, before, strict=True)]
    assert 8 < sum(changed) < 32
    assert np.array_equal(made[:20], redraw_some(maps[:20], 0.5, seeds[:20])), "a picture's own, whatever the batch"
    assert redraw_some(maps, 0.0, seeds) is maps

import numpy as np
import pytest

pytest.importorskip("cv2")

from impasto.evaluation.edge_likeness import edge_likeness


def lines(*rows: int) -> np.ndarray:
    drawn = np.zeros((32, 40), np.uint8)
    drawn[list(rows)] = 255
    return drawn


def test_the_same_edges_are_1_and_others_0() -> None:
    assert edge_likeness(lines(5, 9), lines(5, 9), 0).f1 == 1
    assert edge_likeness(lines(5), lines(20)).f1 == 0


def test_the_tolerance_is_in_pixels() -> None:
    assert [edge_likeness(lines(10), lines(12), px).f1 for px in (0, 1, 2)] == [0, 0, 1]


def test_precision_is_of_the_found_and_recall_of_the_asked() -> None:
    found = edge_likeness(lines(5, 9), lines(5, 20, 25, 30))
    assert (found.precision, found.recall) == (0.25, 0.5)
    assert found.f1 == pytest.approx(1 / 3)


def test_empty_maps() -> None:
    assert edge_likeness(lines(), lines()).f1 == 1
    assert edge_likeness(lines(), lines(3)).f1 == edge_likeness(lines(3), lines()).f1 == 0


@pytest.mark.parametrize(("other", "tolerance", "says"), [(np.zeros((3, 4)), 1, "must be"), (lines(), -1, "tolerance -1")])
def test_wrong_input(other: np.ndarray, tolerance: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        edge_likeness(lines(), other, tolerance)

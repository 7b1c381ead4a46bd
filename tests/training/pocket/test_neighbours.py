import numpy as np

from impasto.training.pocket.data import neighbours_by_text


def unit(rows: list[list[float]]) -> np.ndarray:
    found = np.array(rows, np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_works_of_the_same_artist_come_first_where_there_are_enough() -> None:
    pictures = unit([[1, 0], [0.9, 0.1], [0, 1], [0.8, 0.3], [0.1, 1]])
    artists = ["Monet", "Monet", "Monet", "Klimt", ""]
    found = neighbours_by_text(pictures, pictures, artists, 2, block=2)
    assert found[0].tolist() == [1, 2]  # both Monets, though the Klimt is nearer than the second
    assert found[3].tolist() == [1, 0]  # one Klimt alone: the nearest of all, itself not among them
    assert found[4].tolist() == [2, 3]

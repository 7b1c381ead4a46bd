import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from impasto.data.vectors.index import open_index
from impasto.data.vectors.nearest import nearest_of_all
from impasto.errors import MissingPart


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Unit vectors of a mixture, one of them NaN."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(40, 24))[random.integers(0, 40, 4000)] + 0.6 * random.normal(size=(4000, 24))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[17] = np.nan
    return rows.astype(np.float32)


def test_brute_force_is_exact_over_blocks(vectors: np.ndarray) -> None:
    queries = vectors[:3]
    near = nearest_of_all(queries, [vectors[:5], vectors[5:3000], vectors[3000:]], 7)
    products = np.nan_to_num(queries @ vectors.T, nan=-1)
    assert np.array_equal(near.place, np.argsort(-products, axis=1, kind="stable")[:, :7])
    few = nearest_of_all(queries, [vectors[:2], vectors[17:18]], 4)
    assert (few.place[:, 2:] == -1).all() and np.isneginf(few.similarity[:, 2:]).all()


def test_an_index_is_kept_and_finds_what_brute_force_finds(vectors: np.ndarray, own_cache: Path) -> None:
    read = []

    def blocks() -> Iterator[np.ndarray]:
        read.append(1)
        yield from np.array_split(vectors, 7)

    queries = vectors[20:120]
    exact = nearest_of_all(queries, [vectors], 10)
    near = open_index(blocks, "these").search(queries, 10)
    found = np.mean([len({*one} & {*other}) / 10 for one, other in zip(near.place, exact.place, strict=True)])
    assert found >= 0.95 and 17 not in near.place
    assert np.allclose(near.similarity[:, 0], 1, atol=2e-3) and np.array_equal(near.place[:, 0], np.arange(20, 120))
    again = open_index(blocks, "these")
    assert len(read) == 1 and np.array_equal(again.search(queries, 10).place, near.place)
    (file,) = own_cache.rglob("index.faiss")
    file.write_bytes(file.read_bytes()[:1000])
    assert np.array_equal(open_index(blocks, "these").search(queries, 10).place, near.place) and len(read) == 2
    assert not list(own_cache.rglob(".*.tmp"))


def test_without_faiss_it_says_what_to_install(vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingPart, match=r"impasto\[vectors\]"):
        open_index(lambda: iter([vectors]), "others")

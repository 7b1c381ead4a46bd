"""Posteriors that stay on disk until they are asked for."""

from pathlib import Path

import numpy as np
import pytest

from impasto.data.caches.latents import PosteriorRows
from impasto.data.caches.row_cache import RowCache, content_key
from impasto.errors import ImpastoError


def rows_of(cache: Path, shape: tuple[int, int, int], first: int) -> list[tuple[RowCache, bytes]]:
    """Three pictures whose means are all their number, and whose deviations are a hundred more."""
    store = RowCache(cache, (2, *shape), "float16")
    keys = [content_key(str(first + n)) for n in range(3)]
    values = np.stack([np.stack([np.full(shape, first + n), np.full(shape, 100 + first + n)]) for n in range(3)])
    store.fill(keys, lambda places: values[places], chunk=2)
    return [(store, key) for key in keys]


def test_posteriors_of_several_shapes_are_one_sequence(tmp_path: Path) -> None:
    wide, tall = rows_of(tmp_path / "wide", (4, 2, 6), 0), rows_of(tmp_path / "tall", (4, 6, 2), 3)
    means, deviations = (PosteriorRows(wide, part) + PosteriorRows(tall, part) for part in (0, 1))
    assert len(means) == 6 and [float(mean.mean()) for mean in means] == [0, 1, 2, 3, 4, 5]
    assert means[4].shape == (4, 6, 2) and means[4].dtype == np.float32
    assert [float(part.max()) for part in deviations[1:4]] == [101, 102, 103]


def test_what_is_damaged_after_the_start_is_said(tmp_path: Path) -> None:
    means = PosteriorRows(rows_of(tmp_path / "rows", (4, 2, 2), 0), 0)
    content = bytearray((tmp_path / "rows" / "rows.bin").read_bytes())
    content[0] ^= 1
    (tmp_path / "rows" / "rows.bin").write_bytes(content)
    with pytest.raises(ImpastoError, match="was damaged: give the same command again"):
        means[0]

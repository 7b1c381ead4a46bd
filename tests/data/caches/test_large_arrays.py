from pathlib import Path

import numpy as np
import pytest

from impasto.data.caches import large_arrays
from impasto.data.caches.large_arrays import large_array


def test_a_large_array_lies_in_a_file_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert large_array((3, 4), "float32", tmp_path).base is None  # in memory
    monkeypatch.setattr(large_arrays, "IN_MEMORY", 100)
    found = large_array((8, 4), "float32", tmp_path / "cache")
    found[:] = np.arange(32).reshape(8, 4)
    assert isinstance(found.base, np.memmap)
    assert found.sum() == 496 and list((tmp_path / "cache").iterdir()) == []


def test_a_full_disk_is_an_error_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(large_arrays, "IN_MEMORY", 100)
    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        large_array((8, 4), "float64", tmp_path)

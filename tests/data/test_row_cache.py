from pathlib import Path

import numpy as np
import pytest

from impasto.data.row_cache import RowCache, content_key


def rows_of(calls: list[list[int]]):
    def make(positions: list[int]) -> np.ndarray:
        calls.append(positions)
        return np.array([[p, p + 0.5] for p in positions], np.float32)

    return make


def test_rows_are_made_once_and_survive(tmp_path: Path) -> None:
    keys = [content_key(str(n)) for n in range(5)]
    calls: list[list[int]] = []
    RowCache(tmp_path, (2,), "float32").fill(keys, rows_of(calls), chunk=2)
    assert calls == [[0, 1], [2, 3], [4]]
    again = RowCache(tmp_path, (2,), "float32")
    again.fill(keys, rows_of(calls), chunk=2)
    assert len(calls) == 3
    assert again.array()[again.places(keys[::-1])].tolist() == [[n, n + 0.5] for n in (4, 3, 2, 1, 0)]


def test_another_content_is_made_again_and_only_that(tmp_path: Path) -> None:
    calls: list[list[int]] = []
    store = RowCache(tmp_path, (2,), "float32")
    store.fill([content_key("a"), content_key("b")], rows_of(calls), chunk=8)
    store.fill([content_key("a"), content_key("b, edited")], rows_of(calls), chunk=8)
    assert calls == [[0, 1], [1]]


@pytest.mark.parametrize(("rows_kept", "keys_kept"), [(20, 64), (16, 70), (16, 31), (3, 64)])
def test_a_kill_between_writes_leaves_whole_rows_only(tmp_path: Path, rows_kept: int, keys_kept: int) -> None:
    keys = [content_key(str(n)) for n in range(3)]
    RowCache(tmp_path, (2,), "float32").fill(keys, rows_of([]), chunk=8)
    for name, kept in (("rows.bin", rows_kept), ("keys.bin", keys_kept)):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:kept])
    calls: list[list[int]] = []
    store = RowCache(tmp_path, (2,), "float32")
    store.fill(keys, rows_of(calls), chunk=8)
    whole = min(rows_kept // 8, keys_kept // 32)
    assert calls == [list(range(whole, 3))]
    assert store.array()[store.places(keys)].tolist() == [[n, n + 0.5] for n in range(3)]


def test_another_layout_starts_empty(tmp_path: Path) -> None:
    key = content_key("a")
    RowCache(tmp_path, (2,), "float32").fill([key], rows_of([]), chunk=1)
    assert key not in RowCache(tmp_path, (3,), "float32")


def test_key_parts_do_not_run_together() -> None:
    assert content_key("ab", "c") != content_key("a", "bc")


def test_two_processes_may_fill_one_cache(tmp_path: Path) -> None:
    keys = [content_key(str(n)) for n in range(6)]
    (one, other) = (RowCache(tmp_path, (2,), "float32") for _ in range(2))
    one.fill(keys[:2], rows_of([]), chunk=2)
    other.fill(keys, rows_of([]), chunk=4)  # it knows nothing of the first two
    calls: list[list[int]] = []
    one.fill(keys, rows_of(calls), chunk=6)
    assert calls == [[2, 3, 4, 5]]
    for store in (one, other, RowCache(tmp_path, (2,), "float32")):
        assert store.array()[store.places(keys)].tolist() == [[n, n + 0.5] for n in range(6)]

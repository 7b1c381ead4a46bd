import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from impasto.data.caches.row_cache import RowCache, content_key
from impasto.errors import ImpastoError


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


def damage(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["rows.bin", "sums.bin", "keys.bin"])
def test_a_bit_that_is_wrong_is_noticed_and_only_its_row_made_again(tmp_path: Path, name: str) -> None:
    keys = [content_key(str(n)) for n in range(5)]
    RowCache(tmp_path, (2,), "float32").fill(keys, rows_of([]), chunk=8)
    size = (tmp_path / name).stat().st_size // 5
    damage(tmp_path / name, 3 * size + 1)
    calls: list[list[int]] = []
    store = RowCache(tmp_path, (2,), "float32")
    wanted = [[n, n + 0.5] for n in range(5)]
    assert store.rows(keys, rows_of(calls)).tolist() == wanted and calls == [[3]]
    for again in (store, RowCache(tmp_path, (2,), "float32")):  # it is made once
        assert again.rows(keys, rows_of(calls)).tolist() == wanted and calls == [[3]]
    checked = RowCache(tmp_path, (2,), "float32")
    checked.check(keys)
    assert all(key in checked for key in keys)
    damage(tmp_path / "rows.bin", 0)
    checked.check(keys)
    assert keys[0] not in checked and keys[1] in checked


def test_a_disk_that_keeps_nothing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RowCache(tmp_path, (2,), "float32")
    monkeypatch.setattr(store, "_is_damaged", lambda place, row: True)
    with pytest.raises(ImpastoError, match="look after the disk"):
        store.rows([content_key("a")], rows_of([]))
    again = RowCache(tmp_path, (2,), "float32")
    monkeypatch.setattr(again, "_is_damaged", lambda place, row: True)
    with pytest.raises(ImpastoError, match="give the same command again"):  # nobody is there to make it
        again.rows([content_key("a")])


def test_rows_from_before_there_were_checksums_are_taken_over(tmp_path: Path) -> None:
    keys = [content_key(str(n)) for n in range(5)]
    store = RowCache(tmp_path, (2,), "float32")
    store.fill(keys[:3], rows_of([]), chunk=8)
    (tmp_path / "sums.bin").unlink()
    calls: list[list[int]] = []
    again = RowCache(tmp_path, (2,), "float32")
    assert again.rows(keys, rows_of(calls)).tolist() == [[n, n + 0.5] for n in range(5)] and calls == [[3, 4]]
    damage(tmp_path / "rows.bin", 9)
    assert RowCache(tmp_path, (2,), "float32").rows(keys, rows_of(calls)).tolist()[1] == [1, 1.5]
    assert calls == [[3, 4], [1]]


def test_a_torn_description_starts_empty(tmp_path: Path) -> None:
    key = content_key("a")
    RowCache(tmp_path, (2,), "float32").fill([key], rows_of([]), chunk=1)
    (tmp_path / "shape.json").write_text('{"shape": [2')
    assert key not in RowCache(tmp_path, (2,), "float32")


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
    assert (tmp_path / "keys.bin").stat().st_size == 6 * 32  # none is there twice
    for store in (one, other, RowCache(tmp_path, (2,), "float32")):
        assert store.array()[store.places(keys)].tolist() == [[n, n + 0.5] for n in range(6)]


def fill_some(folder: Path, start: int) -> None:
    store = RowCache(folder, (2,), "float32")
    keys = [content_key(str(n)) for n in range(start, start + 60)]
    store.fill(keys, lambda positions: np.array([[start + p, start + p + 0.5] for p in positions], np.float32), chunk=3)


def test_processes_that_fill_one_cache_at_once_lose_nothing(tmp_path: Path) -> None:
    starts = (0, 20, 40, 0)  # who overlap make the same rows
    processes = [multiprocessing.get_context("fork").Process(target=fill_some, args=(tmp_path, n)) for n in starts]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    calls: list[list[int]] = []
    keys = [content_key(str(n)) for n in range(100)]
    found = RowCache(tmp_path, (2,), "float32").rows(keys, rows_of(calls))
    assert [process.exitcode for process in processes] == [0] * 4 and not calls
    assert found.tolist() == [[n, n + 0.5] for n in range(100)]
    assert (tmp_path / "keys.bin").stat().st_size == 100 * 32

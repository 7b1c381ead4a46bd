import hashlib
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from impasto.errors import ImpastoError
from impasto.weights.file_hash import _memory, hash_file


def settled(file: Path, data: bytes, second: int = 1000) -> Path:
    file.write_bytes(data)
    os.utime(file, (second, second))
    return file


def spoil(table: Path) -> None:
    with sqlite3.connect(table) as opened:
        opened.execute("UPDATE hashes SET sha256 = ?", ("0" * 64,))


def test_what_has_not_changed_is_not_read_again(tmp_path: Path, own_caches: Path) -> None:
    file = settled(tmp_path / "picture", b"x" * 100)
    found = hash_file(file, remembered_from=0)
    assert found == hashlib.sha256(b"x" * 100).hexdigest()
    spoil(own_caches / "hashes.sqlite")
    assert hash_file(file, remembered_from=0) == "0" * 64, "the memory is not used"
    assert hash_file(file) == found, "a small part of a checkpoint is hashed anew"
    settled(file, b"y" * 100, second=2000)
    assert hash_file(file, remembered_from=0) == hashlib.sha256(b"y" * 100).hexdigest()
    with pytest.raises(ImpastoError, match="gone cannot be read"):
        hash_file(tmp_path / "gone")


def test_a_file_written_a_moment_ago_is_not_trusted(tmp_path: Path, own_caches: Path) -> None:
    file = tmp_path / "picture"
    file.write_bytes(b"x" * 100)
    state = file.stat()
    hash_file(file, remembered_from=0)
    file.write_bytes(b"y" * 100)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))  # as within one tick of the clock
    assert hash_file(file, remembered_from=0) == hashlib.sha256(b"y" * 100).hexdigest()


def test_a_broken_memory_is_begun_anew_and_a_closed_one_is_done_without(
    tmp_path: Path, own_caches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = settled(tmp_path / "picture", b"x" * 100)
    own_caches.mkdir(exist_ok=True)
    (own_caches / "hashes.sqlite").write_bytes(b"no table at all" * 1000)
    found = hash_file(file, remembered_from=0)
    spoil(own_caches / "hashes.sqlite")
    assert hash_file(file, remembered_from=0) == "0" * 64, "nothing was remembered"
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "file" / "below"))
    assert hash_file(file, remembered_from=0) == found


def test_many_threads_share_it(tmp_path: Path, own_caches: Path) -> None:
    files = [settled(tmp_path / str(n), str(n).encode()) for n in range(60)]
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(lambda file: hash_file(file, remembered_from=0), files))
        _memory.cache_clear()
        again = list(pool.map(lambda file: hash_file(file, remembered_from=0), files))
    assert first == again == [hashlib.sha256(str(n).encode()).hexdigest() for n in range(60)]

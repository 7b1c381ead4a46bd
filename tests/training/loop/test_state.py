"""What is kept of a run: the newest whole states and the best one, whatever the disk does."""

import errno
import json
import math
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from impasto.errors import ImpastoError, UsageError
from impasto.training.loop.state import load_best, load_newest_state, save_best, save_state


def state(step: int, size: int = 10) -> dict[str, Any]:
    return {"step": step, "models": {"network": torch.full((size,), float(step))}}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_are_kept(tmp_path: Path) -> None:
    for step in (5, 10, 15, 20):
        save_state(tmp_path, step, state(step), keep=3)
    assert names(tmp_path) == ["state-000000010.pt", "state-000000015.pt", "state-000000020.pt"]
    save_state(tmp_path, 25, state(25))
    assert names(tmp_path) == ["state-000000025.pt"]
    with pytest.raises(UsageError, match="keep 0"):
        save_state(tmp_path, 30, state(30), keep=0)


def test_a_state_that_is_not_whole_is_passed_over_and_goes_with_the_next(tmp_path: Path) -> None:
    save_state(tmp_path, 5, state(5), keep=2)
    newer = save_state(tmp_path, 10, state(10, size=100_000), keep=2)
    data = bytearray(newer.read_bytes())
    data[len(data) // 2] ^= 1  # one bit among the weights, which torch itself would not notice
    newer.write_bytes(data)
    assert torch.load(newer, weights_only=True)["step"] == 10
    found = load_newest_state(tmp_path)
    assert found is not None and found["step"] == 5
    save_state(tmp_path, 6, state(6), keep=2)
    assert names(tmp_path) == ["state-000000005.pt", "state-000000006.pt"]


def test_the_best_is_the_lowest(tmp_path: Path) -> None:
    took = [save_best(tmp_path, state(n), measure) for n, measure in enumerate((3.0, math.nan, 2.0, 2.5, math.inf, 2.0))]
    assert took == [True, False, True, False, False, False]
    best = load_best(tmp_path)
    assert best is not None and (best["step"], best["measure"]) == (2, 2.0)
    assert json.loads((tmp_path / "best.json").read_text()) == {"measure": 2.0, "step": 2}
    assert names(tmp_path) == ["best.json", "best.pt"]
    (tmp_path / "best.pt").write_bytes(b"torn")
    assert load_best(tmp_path) is None
    assert save_best(tmp_path, state(9), 7.0)


def test_the_measure_counts_that_lies_with_the_weights(tmp_path: Path) -> None:
    save_best(tmp_path, state(1), 2.0)
    (tmp_path / "best.json").write_text('{"measure": 9.0}')  # as a kill between the two files leaves it
    assert not save_best(tmp_path, state(2), 3.0)
    assert load_best(tmp_path / "nowhere") is None


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_space_is_one_sentence_and_the_state_before_stays(tmp_path: Path) -> None:
    save_state(tmp_path, 5, state(5))
    save_best(tmp_path, state(5), 1.0)
    before = names(tmp_path)
    for write in (
        lambda: save_state(tmp_path, 10, state(10, size=1_000_000)),
        lambda: save_best(tmp_path, state(10, size=1_000_000), 0.5),
    ):
        with small_files(300_000), pytest.raises(ImpastoError) as error:
            write()
        said = str(error.value)
        assert "needs 4.0 MB" in said and "state-000000005.pt, stays" in said and "\n" not in said
        assert names(tmp_path) == before
    assert load_newest_state(tmp_path) is not None
    best = load_best(tmp_path)
    assert best is not None and best["measure"] == 1.0


@pytest.mark.parametrize(("number", "says"), [(errno.ENOSPC, "no space for"), (errno.EIO, "cannot be written: Input")])
def test_whatever_the_disk_says_nothing_half_written_stays(
    number: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, "Input/output error")

    monkeypatch.setattr("impasto.training.loop.state.os.fsync", refuse)
    with pytest.raises(ImpastoError, match=says):
        save_state(tmp_path, 5, state(5))
    assert names(tmp_path) == []


def test_what_a_killed_process_left_goes_before_the_next_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / ".state-000000005.pt.123.part"
    left.write_bytes(b"half")
    monkeypatch.setattr("torch.save", lambda what, file: file.write(b"whole" if not left.exists() else b""))
    assert save_state(tmp_path, 6, state(6)).read_bytes() == b"whole"

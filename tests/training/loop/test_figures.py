"""A run's figures: in losses.jsonl and for TensorBoard, no step twice after a kill."""

import json
import time
from pathlib import Path

import pytest
from PIL import Image

from impasto.training.loop.figures import FigureLog


def tell(run: Path, begin: int, end: int, *, flush: bool = True, value: float = 0.0) -> None:
    """A start of a run that goes on from step `begin` and ends, or is killed, at `end`."""
    log = FigureLog(run, begin, tensorboard=True)
    for step in range(begin + 1, end + 1):
        sheet = Image.new("RGB", (8, 8), "red") if step == 4 else None
        log.add(step, {"seconds": step / 2, "loss": step + value, "error_2": 0.5, "learning_rate": 1e-4}, sheet)
    if flush:
        log.flush()
    log.close()


def test_a_step_that_comes_again_is_told_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tell(tmp_path, 0, 6)
    with (tmp_path / "losses.jsonl").open("a") as file:
        file.write('{"step": 7, "lo')  # torn by the kill
    time.sleep(1.1)  # TensorBoard orders its files by the second in their names
    tell(tmp_path, 3, 8, value=100.0)
    rows = [json.loads(line) for line in (tmp_path / "losses.jsonl").read_text().splitlines()]
    assert [(row["step"], row["loss"]) for row in rows] == [(n, n + 100.0 * (n > 3)) for n in range(1, 9)]
    board = EventAccumulator(str(tmp_path)).Reload()
    assert {"loss", "error/2", "learning_rate"} == set(board.Tags()["scalars"])
    assert [(event.step, event.value) for event in board.Scalars("loss")] == [
        (row["step"], row["loss"]) for row in rows
    ]
    assert [event.step for event in board.Images("validation/pictures")] == [4]


def test_what_was_not_flushed_is_not_told(tmp_path: Path) -> None:
    tell(tmp_path, 0, 5, flush=False)
    assert not (tmp_path / "losses.jsonl").exists()
    log = FigureLog(None, 0)
    log.add(1, {"loss": 1.0})
    log.flush()

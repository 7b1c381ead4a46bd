"""Folders of a few drawn pictures without metadata, for personalisation, and runs of it cut short."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.training.drawn import draw_landscape


def draw_pictures(folder: Path, count: int, first: int = 0) -> list[Path]:
    """`count` landscapes of 64 px; which ones follows from `first`."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{number}.png" for number in range(count)]
    for number, file in enumerate(files):
        draw_landscape(first + number, 64, 64).save(file)
    return files


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "losses.jsonl").read_text().splitlines()]


def stopped_and_resumed(train: Callable[..., object], after: int) -> None:
    """Trains, is asked to stop after a step, and trains on."""
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked == after

    with pytest.raises(KeyboardInterrupt):
        train(should_stop=should_stop)
    train()

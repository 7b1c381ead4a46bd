"""What is told of a run comes from its files alone."""

import json
import os
from pathlib import Path

import pytest
import torch

from impasto.errors import UsageError
from impasto.training.loop.loop import train
from impasto.training.loop.steps import Schedule
from impasto.training.runs.folder import RunFolder
from impasto.training.runs.listing import kept_states, list_runs, loss_courses, made_folders, read_report, read_run


class Falling:
    """Nothing to learn: a loss that falls by one a step."""

    averaged = ()

    def __init__(self) -> None:
        self.models: dict[str, torch.nn.Module] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}

    def step(self, step: int, progress: float) -> dict[str, float]:
        return {"loss": 100.0 - step, "gradient": 2.0}


def test_a_run_of_the_loop_is_told_whole(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with RunFolder(run).begin("drawn", ["train", "drawn"], {"steps": 80}, 3) as folder:
        asked = iter([False] * 19 + [True])
        with pytest.raises(KeyboardInterrupt):
            train(Falling(), run, Schedule(steps=80), seed=3, should_stop=lambda: next(asked))
        assert read_run(run).status == "running"
        info = read_run(run)
        assert (info.recipe, info.step, info.share, info.loss) == ("drawn", 20, 0.25, 81.0)
        train(Falling(), run, Schedule(steps=80), seed=3, should_stop=folder.should_stop)
    (run / "checkpoint").mkdir()
    (run / "checkpoint" / "weights").write_bytes(bytes(1000))
    (run / "report.json").write_text('{"pictures": 7}')
    [info] = list_runs(tmp_path)
    assert (info.status, info.step, info.share, info.losses) == ("complete", 80, 1.0, {"loss": 21.0, "gradient": 2.0})
    loss, gradient = loss_courses(run, parts=4)
    assert (loss.name, loss.parts) == ("loss", (90.5, 70.5, 50.5, 30.5))
    assert (loss.first, loss.last, loss.lowest) == (90.5, 30.5, 30.5) and gradient.parts == (2.0,) * 4
    assert [name for name, _ in kept_states(run)] == ["state-000000080.pt"]
    assert made_folders(run) == [("checkpoint", 1000)] and read_report(run) == {"pictures": 7}


def test_the_latest_is_first_and_what_is_no_run_is_left_out(tmp_path: Path) -> None:
    for number, name in enumerate(("first", "third", "second")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "losses.jsonl").write_text(json.dumps({"step": number, "pixel": 0.5}) + "\n")
        os.utime(tmp_path / name / "losses.jsonl", (0, {"first": 10, "second": 20, "third": 30}[name]))
    (tmp_path / "pictures").mkdir()
    (tmp_path / "note.txt").write_text("x")
    assert [info.path.name for info in list_runs(tmp_path)] == ["third", "second", "first"]
    assert [info.loss for info in list_runs(tmp_path)] == [0.5] * 3
    with pytest.raises(UsageError, match="pictures is no run"):
        read_run(tmp_path / "pictures")
    with pytest.raises(UsageError, match="no such folder"):
        list_runs(tmp_path / "nowhere")


def test_the_last_whole_row_counts(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "losses.jsonl").write_text('{"step": 5, "share": 0.5, "loss": 1}\n{"step": 6, "share": 7, "loss": 1}\n{"step"')
    assert (read_run(run).step, read_run(run).share) == (5, 0.5)

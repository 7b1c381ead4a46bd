"""Runs from the command line: a real training that is stopped and taken up, and folders in whatever state."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.journeys.conftest import Impasto
from tests.training.tiny_language_model import PROMPTS, build_language_model

from impasto.cli.train.runs import sparkline
from impasto.training.runs.folder import RunFolder


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """A training of a tiny language model's, ready to begin in `tmp_path`."""
    build_language_model(tmp_path / "base")
    (tmp_path / "prompts.txt").write_text("\n".join(PROMPTS), "utf-8")
    return tmp_path / "prompts.txt"


COMMAND = ("train", "prompt-model", "--prompts", "prompts.txt", "--base", "base", "--run", "runs/tiny")


def test_stopped_resumed_complete(impasto: Impasto, prompts: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    run = tmp_path / "runs" / "tiny"
    words = [*COMMAND, "--minutes", "0.05"]
    child = subprocess.Popen(
        [sys.executable, "-m", "impasto", *words], cwd=tmp_path, env=dict(os.environ), stderr=subprocess.PIPE, text=True
    )
    try:
        while child.poll() is None and not RunFolder(run).is_running:
            time.sleep(0.02)
        refused = impasto(*words)  # while the other holds it
        assert refused.code == 2 and f"is being trained by process {child.pid}" in refused.err
        listed = json.loads(impasto("runs", "list", "--json").out)
        assert [(row["name"], row["recipe"], row["status"]) for row in listed] == [("tiny", "prompt-model", "running")]
        stopped = impasto("runs", "stop", "runs/tiny", "--wait", 600)
        assert stopped.code == 0, stopped.err
        assert child.wait(600) == 130 and child.stderr is not None and "impasto runs resume runs/tiny" in child.stderr.read()
    finally:
        child.kill()
        child.wait()
    before = json.loads(impasto("runs", "show", "tiny", "--json").out)
    assert stopped.out == f"runs/tiny stopped at step {before['step']}: `impasto runs resume runs/tiny` goes on\n"
    assert before["status"] == "stopped" and before["step"] >= 1 and before["arguments"] == words
    assert list(before["states"]) == [f"state-{before['step']:09d}.pt"]  # the very step it was at
    assert 0 <= before["share"] < 1

    resumed = impasto("runs", "resume", "tiny")
    assert resumed.code == 0, resumed.err
    after = json.loads(impasto("runs", "show", run, "--json").out)
    assert after["status"] == "complete" and after["step"] > before["step"] and after["begun"] == before["begun"]
    assert set(after["made"]) == {"prompt-model"} and after["report"]["prompts"] == len(PROMPTS)
    again = impasto("runs", "resume", "tiny")
    assert (again.code, again.out) == (0, "") and "the run is already complete" in again.err
    other = impasto(*words, "--whole")
    assert other.code == 2 and "holds a run of prompt-model with whole False, not True" in other.err
    shown = impasto("runs", "show", "tiny")
    assert "status: complete" in shown.out and "report choices.rank: 16" in shown.out and "▁" in shown.out
    assert impasto("runs", "stop", "tiny").out == "runs/tiny is not running: it is complete\n"


def test_what_was_refused_leaves_no_run_behind(impasto: Impasto, prompts: Path, tmp_path: Path) -> None:
    prompts.write_text("\n", "utf-8")
    answer = impasto(*COMMAND)
    assert answer.code == 1 and "no prompt is left" in answer.err
    assert not (tmp_path / "runs" / "tiny").exists()


def spoil(folder: Path) -> None:
    """Runs of older versions, torn ones, and what is no run at all."""
    files = {
        "older/losses.jsonl": '{"step": 1, "seconds": 2.0, "pixel": 0.5}\n{"step": 2, "seconds": 4.5, "pixel": 0.25}\n{"st',
        "torn/run.json": '{"recipe": "wang2',
        "torn/losses.jsonl": "\0\0\0",
        "foreign/run.json": '{"recipe": 7}',
        "odd/losses.jsonl": '[1]\n{"step": -4}\n{"step": 1e999}\n{"step": 3, "loss": NaN}\n{"step": 4, "loss": 1'
        f"{'0' * 400}}}\n",
        "odd/report.json": "[",
        "pictures/boat.png": "x",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "note.txt").write_text("x")
    (folder / "loop").symlink_to(folder / "loop")


def test_torn_and_foreign_files_break_no_listing(impasto: Impasto, tmp_path: Path) -> None:
    empty = impasto("runs", "list")
    assert (empty.code, empty.out) == (0, "") and "no run in runs" in empty.err
    spoil(tmp_path / "runs")
    listed = impasto("runs", "list", "--json")
    assert listed.code == 0
    found = {row["name"]: row for row in json.loads(listed.out)}
    assert set(found) == {"older", "torn", "foreign", "odd"}
    assert all(row["recipe"] is None for row in found.values())
    older = found["older"]
    assert (older["status"], older["step"], older["loss"], older["seconds"]) == ("stopped", 2, 0.25, 4.5)
    assert (found["odd"]["status"], found["odd"]["step"], found["odd"]["loss"]) == ("complete", 3, None)
    assert "older\trecipe unknown\tstopped\t2\t\t0.25\t0 min 04 s" in impasto("runs", "list").out
    for name in found:
        for arguments in (("runs", "show", name), ("runs", "show", name, "--json")):
            answer = impasto(*arguments)
            assert (answer.code, answer.err) == (0, ""), name


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("runs list nowhere", "no such folder"),
        ("runs show nowhere", "no such run"),
        ("runs show runs/pictures", "is no run"),
        ("runs resume older", "does not say which command began it"),
        ("runs resume torn", "no record of a run"),
        ("runs resume by-hand", "was not begun by `impasto train`"),
        ("runs resume moved", "which is gone"),
        ("runs stop pictures", "is no run"),
        ("runs stop older --wait -1", "--wait"),
        ("paint boats --checkpoint runs/by-hand", "has made no checkpoint yet"),
        ("paint boats --checkpoint runs/lora", "--lora runs/lora"),
        ("checkpoints export pocket one.safetensors --format sd-v1", "its text encoder is no CLIP"),
        ("checkpoints export pocket one.safetensors --format sd-v9", "'sd-v9'"),
    ],
)
def test_bad_requests_are_one_line(impasto: Impasto, tmp_path: Path, command: str, says: str) -> None:
    spoil(tmp_path / "runs")
    (tmp_path / "runs" / "lora" / "lora").mkdir(parents=True)
    record = {"recipe": "x", "arguments": [], "choices": {}, "seed": 0, "directory": str(tmp_path)}
    moved = {**record, "arguments": ["train", "x"], "directory": str(tmp_path / "gone")}
    for name, content in {"by-hand": record, "moved": moved}.items():
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / "run.json").write_text(json.dumps(content))
    answer = impasto(*command.split())
    assert answer.code in (1, 2) and answer.out == ""
    assert says in answer.err and answer.err.count("\n") == 1


def test_the_course_of_a_loss() -> None:
    assert sparkline((0.0, 7.0, 3.0)) == "▁█▄"
    assert sparkline((2.0, 2.0)) == "▁▁"

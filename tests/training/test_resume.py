"""A run killed with SIGKILL again and again ends with the losses and weights of an undisturbed one, bit for bit."""

import json
import random
import signal
from pathlib import Path

import torch
from tests.training.fork_server import start
from tests.training.resume_child import train_until_killed

from impasto.training.loop.state import load_newest_state

STEPS = 60


def run_child(run: Path, kill_at: int = 0) -> tuple[int | None, int]:
    """How the child ended, and how many places to die it went through, if it lived."""
    child, hears = start(train_until_killed, run, STEPS, kill_at)
    child.join()
    return child.exitcode, 0 if child.exitcode else hears.recv()


def losses(run: Path) -> list[tuple[int, float]]:
    rows = [json.loads(line) for line in (run / "losses.jsonl").read_text("utf-8").splitlines()]
    return [(row["step"], row["loss"]) for row in rows]


def test_ten_kills_change_nothing(tmp_path: Path) -> None:
    ended, events = run_child(tmp_path / "calm")
    assert ended == 0
    assert events > STEPS  # the child has places to die inside the writes, not only between steps

    draw = random.Random(2026)
    killed = 0
    while killed < 10:
        # A short life each time, so that ten deaths fit in one run and several fall into the write of a state.
        ended, _ = run_child(tmp_path / "killed", kill_at=draw.randint(2, 16))
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        killed += 1
        load_newest_state(tmp_path / "killed")  # whatever is there can be read
    assert killed == 10
    assert run_child(tmp_path / "killed")[0] == 0

    assert losses(tmp_path / "killed") == losses(tmp_path / "calm")
    for name in (f"state-{STEPS:09d}.pt", "averaged.pt"):
        ours = torch.load(tmp_path / "killed" / name, weights_only=True)
        theirs = torch.load(tmp_path / "calm" / name, weights_only=True)
        if "models" in ours:
            ours, theirs = ours["models"]["network"], theirs["models"]["network"]
        for key, value in theirs.items():
            assert torch.equal(ours[key], value), (name, key)


def test_a_kill_inside_the_write_leaves_the_state_before(tmp_path: Path) -> None:
    run = tmp_path / "run"
    # Events: 5 steps, then the write of state 5 (before, between, after its halves; before and after the folder's sync).
    assert run_child(run, kill_at=10)[0] == -signal.SIGKILL
    first = load_newest_state(run)
    assert first is not None and first["step"] == 5
    # The log is cut back (its folder synced: 2 events), 5 more steps, and half of state 10.
    assert run_child(run, kill_at=9)[0] == -signal.SIGKILL
    assert any(path.name.endswith(".part") for path in run.iterdir())
    second = load_newest_state(run)
    assert second is not None and second["step"] == 5
    assert run_child(run)[0] == 0
    assert not any(path.name.endswith(".part") for path in run.iterdir())

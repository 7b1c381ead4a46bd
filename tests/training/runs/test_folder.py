"""A run's folder takes one recipe and one process, and tells from its files how it stands."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from impasto.errors import ImpastoError, UsageError
from impasto.training.runs.folder import RunFolder
from impasto.training.runs.record import read_record


@dataclass(frozen=True)
class Text:
    dropout: float = 0.1


@dataclass(frozen=True)
class Choices:
    learning_rate: float = 1e-5
    minutes: float = 5.0
    sides: tuple[int, ...] = (64, 64)
    catalogue: Path = Path("catalogue")
    text: Text = field(default_factory=Text)


def begin(path: Path, choices: object = None, recipe: str = "wang2023-artist", seed: int = 0) -> RunFolder:
    arguments = ["train", recipe, "--run", str(path)]
    return RunFolder(path).begin(recipe, arguments, choices or Choices(), seed, changeable=("minutes",))


def trained(path: Path, choices: object = None) -> None:
    """A run that was begun, made a step and ended."""
    with begin(path, choices):
        (path / "losses.jsonl").write_text('{"step": 1}\n')


def test_a_run_is_begun_written_down_and_taken_up(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "vangogh"
    with begin(run) as folder:
        assert folder.status == "running" and not folder.is_complete and folder.process == os.getpid()
    assert RunFolder(run).status == "begun"
    record = read_record(run)
    assert record is not None and record.recipe == "wang2023-artist" and record.seed == 0
    assert record.arguments == ("train", "wang2023-artist", "--run", str(run))
    assert record.choices["sides"] == [64, 64] and record.choices["catalogue"] == str(Path.cwd() / "catalogue")
    trained(run)
    assert RunFolder(run).status == "stopped"
    written = (run / "run.json").read_bytes()
    with begin(run):
        assert (run / "run.json").read_bytes() == written
    (run / "report.json").write_text("{}")
    with begin(run) as folder:
        assert folder.is_complete
    assert RunFolder(run).status == "complete"


@pytest.mark.parametrize(
    ("choices", "recipe", "seed", "says"),
    [
        (Choices(learning_rate=3e-5), "wang2023-artist", 0, "with learning_rate 1e-05, not 3e-05: give that or another"),
        (Choices(text=Text(0.2)), "wang2023-artist", 0, "with text.dropout 0.1, not 0.2"),
        (Choices(sides=(64, 32)), "wang2023-artist", 0, r"with sides \[64, 64\], not \[64, 32\]"),
        (Choices(), "wang2023-artist", 7, "with seed 0, not 7"),
        (Choices(), "lora", 0, "holds a run of wang2023-artist, not lora: give another folder"),
    ],
)
def test_another_training_is_refused(choices: Choices, recipe: str, seed: int, says: str, tmp_path: Path) -> None:
    trained(tmp_path / "run")
    with pytest.raises(UsageError, match=says):
        begin(tmp_path / "run", choices, recipe, seed)
    begin(tmp_path / "run").close()  # and it is free again


def test_before_a_step_was_made_anything_may_change(tmp_path: Path) -> None:
    begin(tmp_path / "run").close()
    begin(tmp_path / "run", Choices(learning_rate=1.0), "lora", 3).close()
    record = read_record(tmp_path / "run")
    assert record is not None and record.recipe == "lora" and record.choices["learning_rate"] == 1.0


def test_a_complete_run_goes_on_where_it_is_given_longer(tmp_path: Path) -> None:
    run = tmp_path / "run"
    trained(run)
    (run / "report.json").write_text("{}")
    with begin(run, Choices(minutes=9.0)) as folder:
        assert not folder.is_complete
    record = read_record(run)
    assert record is not None and record.choices["minutes"] == 9.0


def test_choices_of_another_version_are_no_difference(tmp_path: Path) -> None:
    trained(tmp_path / "run", {"learning_rate": 1e-5, "gone": 1})
    begin(tmp_path / "run", {"learning_rate": 1e-5, "new": 2}).close()


def test_folders_of_others(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("precious")
    with pytest.raises(UsageError, match=r"mine holds letter\.txt and no run"):
        begin(tmp_path / "mine")
    with pytest.raises(ImpastoError, match="cannot be written"):
        begin(tmp_path / "mine" / "letter.txt")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "run.json").write_text("[]")
    with pytest.raises(ImpastoError, match=r"run\.json is no record of a run"):
        begin(tmp_path / "odd")
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "losses.jsonl").write_text('{"step": 1}\n')
    begin(tmp_path / "older").close()
    assert RunFolder(tmp_path / "older").status == "stopped"
    assert RunFolder(tmp_path / "nowhere").status == "begun" and not (tmp_path / "nowhere").exists()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    folder = begin(tmp_path / "run")
    code = (
        "import sys; from pathlib import Path; from impasto.training.runs.folder import RunFolder\n"
        "RunFolder(Path(sys.argv[1])).begin('r', [], {}, 0)"
    )
    other = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True, check=False)
    assert other.returncode == 1 and f"is being trained by process {os.getpid()}: wait, or" in other.stderr
    assert folder.is_running
    folder.close()
    assert not folder.is_running


def test_a_killed_process_leaves_the_folder_free(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from impasto.training.runs.folder import RunFolder\n"
        "RunFolder(Path(sys.argv[1])).begin('wang2023-artist', [], {}, 0); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert RunFolder(tmp_path / "run").status == "begun"
    begin(tmp_path / "run").close()


def test_a_request_to_stop_is_heard_and_does_not_outlive_the_run(tmp_path: Path) -> None:
    with begin(tmp_path / "run") as folder:
        assert not folder.should_stop()
        RunFolder(tmp_path / "run").request_stop()
        assert folder.should_stop()
    assert not (tmp_path / "run" / "stop-requested").exists()
    (tmp_path / "run" / "stop-requested").touch()
    with begin(tmp_path / "run") as folder:
        assert not folder.should_stop()
    with pytest.raises(ImpastoError, match="cannot be written"):
        RunFolder(tmp_path / "nowhere").request_stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_ask_once_the_loop_listens_and_interrupt_before_and_after(number: signal.Signals, tmp_path: Path) -> None:
    before = signal.getsignal(number)
    with begin(tmp_path / "run") as folder:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert not folder.should_stop()
        signal.raise_signal(number)
        assert folder.should_stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_a_refused_request_leaves_no_run_behind(tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match="no picture"), begin(tmp_path / "run"):
        raise ImpastoError("no picture")
    assert not (tmp_path / "run").exists()
    trained(tmp_path / "kept")
    with pytest.raises(ImpastoError, match="diverged"), begin(tmp_path / "kept"):
        raise ImpastoError("diverged")
    assert json.loads((tmp_path / "kept" / "run.json").read_text())["recipe"] == "wang2023-artist"
    assert RunFolder(tmp_path / "kept").status == "stopped"

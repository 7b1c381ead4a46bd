"""Several processes train one run: with the losses of one process, one voice, and one end for all."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.journeys.conftest import Impasto
from tests.painting.tiny_components import make_components
from tests.training.painted_catalogue import write_catalogue

from impasto.checkpoints.export.components import save_components
from impasto.training.runs.folder import RunFolder

LAUNCH = (sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1",
          "--main_process_port", "0", "--mixed_precision", "no", "--dynamo_backend", "no", "-m", "impasto")  # fmt: skip
STEPS = 3000  # far more than are made before the end is asked for


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("launched")
    components = make_components(folder / "words", "v_prediction", pooled=True)
    base = save_components(components, folder / "base", "made by a test", text_encoder=True)
    catalogue = write_catalogue(folder / "catalogue")
    return ("train", "wu2022-text-encoder", "--trained", "both", "--catalogue", str(catalogue), "--checkpoint", str(base),
            "--batch", "4", "--accumulation", "2", "--learning-rate", "1e-4", "--steps", str(STEPS),
            "--validation-pictures", "0", "--precision", "fp32")  # fmt: skip


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "losses.jsonl").read_text().splitlines()]


def wait_for(file: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 600
    while not file.exists() or not file.read_text():
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.02)


def test_two_processes_are_one_run(impasto: Impasto, train: tuple[str, ...], tmp_path: Path) -> None:
    together, alone = tmp_path / "together", tmp_path / "alone"
    command, environment = [*LAUNCH, *train, "--run", str(together)], {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment) as two:
        wait_for(together / "losses.jsonl", two)
        assert RunFolder(together).is_running
        RunFolder(together).request_stop()
        out, err = two.communicate(timeout=600)
    assert not out and err.count("note: given: trained=both") == 1 and err.count("error: stopped") == 1, err
    state = next(together.glob("state-*.pt"))
    made = int(state.stem.removeprefix("state-"))
    assert len(losses(together)) == made < STEPS and RunFolder(together).status == "stopped"

    from impasto.training.runs import folder as run_folder

    asked = 0

    class Patient(run_folder.RunFolder):
        def should_stop(self) -> bool:
            nonlocal asked
            asked += 1
            return asked == 20

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_folder, "RunFolder", Patient)
        assert impasto(*train, "--run", alone).code == 130
    assert losses(together)[:20] == pytest.approx(losses(alone), rel=1e-5)
    record = json.loads((together / "run.json").read_text())
    assert record["recipe"] == "wu2022-text-encoder" and record["arguments"][: len(train)] == list(train)


@pytest.mark.parametrize(("told", "code"), [(1, 0), (2, 1), (3, 2)], ids=["complete", "failed", "refused"])
def test_what_the_first_process_is_told_ends_the_others_silently(
    impasto: Impasto, train: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: int, code: int
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("impasto.jobs.training.run.told_by_first", lambda number=0: told)
    answer = impasto(*train, "--run", tmp_path / "run")
    assert (answer.code, answer.out, answer.err) == (code, "", "") and not (tmp_path / "run").exists()


def test_the_first_process_says_why_and_tells_the_others(
    impasto: Impasto, train: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []

    def tell(number: int = 0) -> int:
        given.append(number)
        return number

    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("impasto.jobs.training.run.told_by_first", tell)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").touch()
    foreign = impasto(*train, "--run", tmp_path / "run")
    assert foreign.code == 2 and "mine.txt" in foreign.err and len(foreign.err.splitlines()) == 1 and given == [3]
    alone = impasto("train", "pocket-autoencoder", "--catalogue", train[5], "--run", tmp_path / "other")
    assert alone.code == 2 and "one process" in alone.err and len(given) == 1

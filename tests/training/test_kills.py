"""Every method of training, killed with SIGKILL again and again, ends as the undisturbed run does, bit for bit."""

import json
import os
import random
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file
from tests.painting.tiny_components import make_components
from tests.training.fork_server import start
from tests.training.kill_child import METHODS, STEPS, train_in_child
from tests.training.painted_catalogue import write_catalogue

from impasto.checkpoints.export.components import save_components
from impasto.training.loop.figures import CLOCK

KILLS = 5

@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kills")
    write_catalogue(folder / "catalogue", 16, sides=((64, 64), (160, 48)))
    components = make_components(folder / "words", "v_prediction", pooled=True)
    save_components(components, folder / "base", "made by a test", text_encoder=True)
    return folder


def losses(run: Path) -> list[dict[str, float]]:
    rows = [json.loads(line) for line in (run / "losses.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name not in CLOCK} for row in rows]


@pytest.mark.parametrize("method", METHODS)
def test_kills_change_nothing(method: str, folder: Path, tmp_path: Path) -> None:
    calm, _ = start(train_in_child, method, folder, tmp_path / "calm")
    calm.join()
    assert calm.exitcode == 0
    draw = random.Random(os.urandom(8))
    for number in range(KILLS):
        child, steps = start(train_in_child, method, folder, tmp_path / "killed")
        # The first dies before it has trained, the last while it writes what it made, the others between two steps' ends.
        after = STEPS if number == KILLS - 1 else 2 * number
        while after and steps.recv() < after:
            pass
        time.sleep(draw.uniform(0, 0.06))
        child.kill()
        child.join()
    last, _ = start(train_in_child, method, folder, tmp_path / "killed")
    last.join()
    assert last.exitcode == 0
    assert losses(tmp_path / "killed") == losses(tmp_path / "calm") and len(losses(tmp_path / "calm")) == STEPS
    made = sorted(path.relative_to(tmp_path / "calm") for path in (tmp_path / "calm").rglob("*.safetensors"))
    assert made
    for path in made:
        whole, resumed = load_file(tmp_path / "calm" / path), load_file(tmp_path / "killed" / path)
        assert whole.keys() == resumed.keys() and all((whole[name] == resumed[name]).all() for name in whole)

"""Every optimizer learns, and goes on from a state to the bit; judging in between changes nothing."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from impasto.errors import MissingPart
from impasto.training.loop import optimizers
from impasto.training.loop.loop import train
from impasto.training.loop.optimizers import check_optimizer, learning_rate_of, make_optimizer
from impasto.training.loop.state import load_best, load_newest_state
from impasto.training.loop.steps import Schedule
from impasto.training.methods.fine_tuning_choices import OPTIMIZERS

RATES = {"prodigy": 1.0}
SCHEDULE = Schedule(steps=12, warmup_steps=3, final_rate=1.0)


class Line:
    """A layer that learns to add up; large enough (4,096 weights) for 8 bits."""

    averaged: Sequence[str] = ()

    def __init__(self, name: str) -> None:
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(64, 64)
        self.models: dict[str, torch.nn.Module] = {"layer": self.layer}
        self.optimizers = {"layer": make_optimizer(name, self.layer.parameters(), RATES.get(name, 1e-2), 0.01)}

    def loss(self) -> torch.Tensor:
        inputs = torch.randn(32, 64)
        return (self.layer(inputs) - inputs.flip(1)).square().mean()

    def step(self, step: int, progress: float) -> dict[str, float]:
        loss = self.loss()
        self.optimizers["layer"].zero_grad()
        loss.backward()
        self.optimizers["layer"].step()
        return {"loss": loss.item()}


class Judgement:
    """The weights as they are judged, by step."""

    def __init__(self, task: Line, every: int = 4) -> None:
        self.task, self.every, self.seen = task, every, dict[int, torch.Tensor]()

    def __call__(self, step: int) -> tuple[dict[str, float], None]:
        self.seen[step] = self.task.layer.weight.detach().clone()
        torch.manual_seed(0)
        with torch.no_grad():
            return {"validation": self.task.loss().item()}, None


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_learns_and_a_resumed_run_is_the_undisturbed_one(name: str, tmp_path: Path) -> None:
    if name == "adamw-8bit":
        pytest.importorskip("bitsandbytes")
    calm, first, second = (Line(name) for _ in range(3))
    begin = calm.layer.weight.detach().clone()
    train(calm, tmp_path / "calm", SCHEDULE, seed=1)
    asked = iter(range(1, 100))
    judgement = Judgement(first)
    with pytest.raises(KeyboardInterrupt):
        train(first, tmp_path / "cut", SCHEDULE, seed=1, should_stop=lambda: next(asked) == 5, validation=judgement)
    judgement.task = second
    train(second, tmp_path / "cut", SCHEDULE, seed=1, validation=judgement)
    assert torch.equal(calm.layer.weight, second.layer.weight) and not torch.equal(calm.layer.weight, begin)
    assert list(judgement.seen) == [4, 8, 12]
    ours, theirs = (load_newest_state(tmp_path / run) for run in ("calm", "cut"))
    assert ours is not None and theirs is not None
    torch.testing.assert_close(ours["optimizers"], theirs["optimizers"], rtol=0, atol=0)
    best = load_best(tmp_path / "cut")
    assert best is not None and torch.equal(best["models"]["layer"]["weight"], judgement.seen[best["step"]])
    with torch.no_grad():
        was = Line(name).loss()
        assert calm.loss() < was


def test_schedule_free_is_judged_by_its_average(tmp_path: Path) -> None:
    task = Line("schedule-free")
    judgement = Judgement(task)
    train(task, tmp_path, SCHEDULE, seed=1, validation=judgement)
    optimizer = task.optimizers["layer"]
    y, z = task.layer.weight.detach().clone(), optimizer.state[task.layer.weight]["z"]
    assert not torch.equal(judgement.seen[12], y)
    # y = (1 - b) z + b x, equation 2 of Defazio et al. 2024
    torch.testing.assert_close(0.1 * z + 0.9 * judgement.seen[12], y)


def test_prodigy_finds_its_rate_and_says_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    task = Line("prodigy")
    before = learning_rate_of(task.optimizers["layer"])
    train(task, tmp_path, Schedule(steps=150, warmup_steps=1, final_rate=1.0, log_every=150), seed=1)
    assert learning_rate_of(task.optimizers["layer"]) > 100 * before == pytest.approx(1e-4)
    with torch.no_grad():
        assert task.loss() < 0.9 * Line("prodigy").loss()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "adamw"])
def test_a_package_that_is_not_there_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizers, "find_spec", lambda package: None)
    with pytest.raises(MissingPart, match=rf"optimizer {name} needs \w+: pip install"):
        check_optimizer(name)
    check_optimizer("adamw")


def test_bitsandbytes_that_does_not_run_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "bitsandbytes.optim.adamw", None)
    monkeypatch.setattr(optimizers, "find_spec", lambda package: True)
    with pytest.raises(MissingPart, match=r"bitsandbytes does not run here .*use optimizer adamw"):
        make_optimizer("adamw-8bit", [torch.nn.Parameter(torch.zeros(2))], 1e-3, 0.0)

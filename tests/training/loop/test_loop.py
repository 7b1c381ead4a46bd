import math
from pathlib import Path

import pytest
import torch

from impasto.errors import ImpastoError, UsageError
from impasto.training.loop.loop import train
from impasto.training.loop.state import load_newest_state, save_state
from impasto.training.loop.steps import Schedule


class Constant:
    """Nothing to learn: reports a loss that the test chooses."""

    averaged = ("model",)

    def __init__(self, loss: float = 1.0, width: int = 2) -> None:
        model = torch.nn.Linear(width, 1)
        self.models: dict[str, torch.nn.Module] = {"model": model}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"model": torch.optim.SGD(model.parameters(), lr=0.1)}
        self.loss = loss
        self.rates: list[float] = []

    def step(self, step: int, progress: float) -> dict[str, float]:
        self.rates.append(self.optimizers["model"].param_groups[0]["lr"])
        return {"loss": self.loss}


def test_the_rate_warms_up_and_falls_to_its_last_share(tmp_path: Path) -> None:
    task = Constant()
    train(task, tmp_path, Schedule(steps=100, warmup_steps=10, final_rate=0.1), seed=0)
    assert len(task.rates) == 100
    assert task.rates[0] == pytest.approx(0.01)
    assert max(task.rates) == task.rates[10] or max(task.rates) == task.rates[9]
    assert task.rates[-1] == pytest.approx(0.01, rel=0.02)
    assert all(a >= b for a, b in zip(task.rates[10:], task.rates[11:], strict=False))


def test_minutes_end_a_run_and_another_start_adds_nothing(tmp_path: Path) -> None:
    task = Constant()
    train(task, tmp_path, Schedule(minutes=0.005), seed=0)
    again = Constant()
    train(again, tmp_path, Schedule(minutes=0.005), seed=0)
    assert len(task.rates) > 0
    assert again.rates == []


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match="diverged at step 0"):
        train(Constant(loss=math.nan), tmp_path, Schedule(steps=3), seed=0)


def test_losses_that_find_no_space_end_the_run_in_one_sentence(tmp_path: Path) -> None:
    class Full(Constant):
        def step(self, step: int, progress: float) -> dict[str, float]:
            if step == 2:
                (tmp_path / "losses.jsonl").unlink()
                (tmp_path / "losses.jsonl").symlink_to("/dev/full")
            return super().step(step, progress)

    with pytest.raises(ImpastoError, match=r"losses\.jsonl cannot be written: No space left on device; the last state"):
        train(Full(), tmp_path, Schedule(steps=9, save_steps=2, log_every=1), seed=0)
    assert [path.name for path in tmp_path.glob("*.pt")] == ["state-000000002.pt"]


def test_another_seed_or_shape_does_not_resume(tmp_path: Path) -> None:
    train(Constant(), tmp_path, Schedule(steps=2), seed=0)
    with pytest.raises(UsageError, match="seed 0"):
        train(Constant(), tmp_path, Schedule(steps=4), seed=1)
    with pytest.raises(ImpastoError, match="another shape"):
        train(Constant(width=3), tmp_path, Schedule(steps=4), seed=0)


def test_an_unreadable_newest_state_falls_back_and_none_readable_is_an_error(tmp_path: Path) -> None:
    save_state(tmp_path, 5, {"step": 5})
    (tmp_path / "state-000000009.pt").write_bytes(b"half a file")
    state = load_newest_state(tmp_path)
    assert state is not None and state["step"] == 5
    (tmp_path / "state-000000005.pt").write_bytes(b"")
    with pytest.raises(ImpastoError, match="state"):
        load_newest_state(tmp_path)


def test_a_state_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            import os

            return os.mkdir, (str(tmp_path / "owned"),)

    torch.save({"step": Hostile()}, tmp_path / "state-000000001.pt")
    with pytest.raises(ImpastoError, match="refused"):
        load_newest_state(tmp_path)
    assert not (tmp_path / "owned").exists()


def test_an_average_by_half_life_is_half_made_of_the_last_twentieth() -> None:
    from impasto.training.loop.ema import half_life_average

    rule, averaged = half_life_average(0.05), 0.0
    for count in range(1951, 2001):  # two fifths of the half-life of 100 steps
        averaged += (1 - rule(count)) * (1 - averaged)
    assert 0.25 < averaged < 0.35
    for count in range(2001, 2051):
        averaged += (1 - rule(count)) * (1 - averaged)
    assert averaged == pytest.approx(0.5, abs=0.02)

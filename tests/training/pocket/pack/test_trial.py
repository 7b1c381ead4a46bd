import pytest
import torch
from tests.training.pocket.tiny_pocket import CPU, tiny_task

from impasto.training.pocket.pack import trial
from impasto.training.pocket.task import PocketTask


def test_measuring_changes_no_weight() -> None:
    task = tiny_task(aligned=True)
    before = {name: value.clone() for name, value in task.unet.state_dict().items()}
    rate = task.optimizers["adamw"].param_groups[0]["lr"]
    assert trial.measure(task, 0.05) > 0
    assert all(torch.equal(value, before[name]) for name, value in task.unet.state_dict().items())
    assert task.optimizers["adamw"].param_groups[0]["lr"] == rate and not task.optimizers["adamw"].state


def test_the_work_of_a_picture_is_counted() -> None:
    task = tiny_task(aligned=True)
    assert trial.picture_operations(task) > 1e6
    assert trial.matrix_rate(CPU, 0.05) > 1e7
    assert task.step(0, 0.0)["loss"] > 0  # nothing is left over


def test_the_smallest_batch_that_is_nearly_as_fast_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = {2: 50.0, 4: 95.0, 8: 100.0}
    monkeypatch.setattr(trial, "BATCHES", tuple(rates))
    monkeypatch.setattr(trial, "measure", lambda task, seconds: rates[task.choices.batch] * (2 if task.is_compiled else 1))
    monkeypatch.setattr(PocketTask, "compile", lambda self: setattr(self, "forward", lambda *given: None))
    task = tiny_task()
    found = trial.choose(task, 40.0, None, lambda line: None)
    assert task.choices.batch == 4 and len(task.order.at(0)) == 4 and task.is_compiled
    assert found == {"batch 2": 50.0, "batch 4": 95.0, "batch 8": 100.0, "compiled": 190.0}
    assert task.optimizers["adamw"].param_groups[0]["lr"] == pytest.approx(3e-3 * (4 / 64) ** 0.5)

    def fails(self: PocketTask) -> None:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(PocketTask, "compile", fails)
    task = tiny_task()
    trial.choose(task, 40.0, None, lambda line: None)
    assert not task.is_compiled


def test_the_step_is_one_graph_for_all_lengths() -> None:
    from torch._dynamo.utils import counters

    plain, compiled = tiny_task(aligned=True), tiny_task(aligned=True)
    torch._dynamo.reset()
    counters.clear()
    compiled.forward = torch.compile(compiled._predict, backend="eager", fullgraph=True)
    for step, progress in enumerate((0.0, 0.0, 0.0, 0.0, 0.0, 0.6)):
        losses = []
        for task in (plain, compiled):
            torch.manual_seed(step)
            losses.append(task.step(step, progress)["loss"])
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert counters["stats"]["unique_graphs"] == 1

import math

import numpy as np
import pytest
import torch

from impasto.errors import UsageError
from impasto.training.loop.steps import Schedule, ShuffledOrder, seed_step


def test_every_epoch_shows_every_item_once_and_in_another_order() -> None:
    order = ShuffledOrder(10, 5, seed=1)
    epochs = [np.concatenate([order.at(0), order.at(1)]), np.concatenate([order.at(2), order.at(3)])]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(10))
    assert list(epochs[0]) != list(epochs[1])


def test_a_step_finds_its_batch_without_the_steps_before() -> None:
    walked = ShuffledOrder(11, 4, seed=5)
    batches = [walked.at(step).tolist() for step in range(20)]
    assert ShuffledOrder(11, 4, seed=5).at(19).tolist() == batches[19]


def test_a_step_has_its_own_randomness() -> None:
    seed_step(7, 3)
    first = torch.rand(4)
    seed_step(7, 4)
    other = torch.rand(4)
    seed_step(7, 3)
    assert torch.equal(torch.rand(4), first)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("wrong", [{}, {"minutes": -1.0}, {"minutes": math.inf}, {"minutes": math.nan}, {"steps": 0}])
def test_impossible_lengths_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Schedule(**wrong)  # type: ignore[arg-type]


def test_a_plateau_holds_until_the_decay_which_is_a_line() -> None:
    schedule = Schedule(steps=100, warmup_steps=1, decay_from=0.75, final_rate=0.0)
    assert [schedule.rate(50, share) for share in (0.1, 0.5, 0.75)] == [1, 1, 1]
    assert schedule.rate(50, 0.875) == pytest.approx(0.5)
    assert schedule.rate(50, 1.0) == pytest.approx(0)


@pytest.mark.parametrize("batch", [3, 7, 25])
def test_batches_run_over_the_ends_of_epochs(batch: int) -> None:
    """A batch is `batch` places of the epochs' permutations, written one after the other."""
    walked = np.concatenate([np.random.default_rng([2, epoch]).permutation(7) for epoch in range(40)])
    order = ShuffledOrder(7, batch, seed=2)
    for step in (0, 1, 2, 9, 4):
        assert order.at(step).tolist() == walked[step * batch : (step + 1) * batch].tolist()

import pytest
import torch

from impasto.training.distributed import shared_cores as module
from impasto.training.distributed.shared_cores import SharedCores, fitting_threads


@pytest.mark.parametrize(
    ("others", "cores", "most", "threads"),
    [(0.0, 2, 2, 2), (0.15, 2, 2, 2), (0.5, 2, 2, 1), (2.0, 2, 2, 1), (1.0, 16, 16, 15), (1.0, 16, 4, 4), (0.0, 1, 1, 1)],
)
def test_threads_are_what_others_leave(others: float, cores: int, most: int, threads: int) -> None:
    assert fitting_threads(others, cores, most) == threads


def test_it_follows_the_load_and_passes_on_the_wish_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([(0.0, 0.0), (10.0, 0.0), (20.0, 10.0)])  # first others compute all the time, then only this program
    clock = iter([0.0, 5.0, 10.0, 10.5])
    monkeypatch.setattr(module, "_busy_seconds", lambda: next(looks))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
    before = torch.get_num_threads()
    try:
        wishes = iter([False, True, True])
        shared = SharedCores(lambda: next(wishes), most=2)
        assert (shared(), torch.get_num_threads()) == (False, 1)
        assert (shared(), torch.get_num_threads()) == (True, 2)
        assert shared()  # too early for another look
    finally:
        torch.set_num_threads(before)


def test_where_nobody_tells_of_the_load_the_threads_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_busy_seconds", lambda: None)
    before = torch.get_num_threads()
    assert not SharedCores(lambda: False)()
    assert torch.get_num_threads() == before

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.pocket.tiny_pocket import CPU, tiny_data, tiny_task

from impasto.training.loop.loop import train
from impasto.training.loop.steps import Schedule
from impasto.training.pocket.task import halved_latents


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_it_learns(tmp_path: Path, optimizer: str) -> None:
    losses: list[float] = []
    rate = 3e-3 if optimizer == "adamw" else 1e-3
    train(
        tiny_task(optimizer=optimizer, learning_rate=rate), tmp_path, Schedule(steps=80, warmup_steps=5), seed=0,
        on_progress=lambda step, share, figures: losses.append(figures["loss"]),
    )  # fmt: skip
    assert np.mean(losses[-15:]) < 0.6 * np.mean(losses[:5])


def test_it_learns_in_mixed_precision_with_aligned_features(tmp_path: Path) -> None:
    figures: list[dict[str, float]] = []
    task = tiny_task(aligned=True, machine=replace(CPU, mixed=True, plain_attention=True), alignment_until=0.5)
    train(task, tmp_path, Schedule(steps=60, warmup_steps=5), seed=0, on_progress=lambda s, p, f: figures.append(f))
    assert "alignment" in figures[0] and "alignment" not in figures[-1]
    assert np.mean([f["loss"] for f in figures[-10:]]) < 0.8 * np.mean([f["loss"] for f in figures[:5]])
    assert all(p.dtype == torch.float32 for model in task.models.values() for p in model.parameters())


def test_small_pictures_first_then_whole_ones(tmp_path: Path) -> None:
    figures: list[dict[str, float]] = []
    task = tiny_task(aligned=True, small_until=0.5, small_batch=16)
    train(task, tmp_path, Schedule(steps=60, warmup_steps=5), seed=0, on_progress=lambda s, p, f: figures.append(f))
    assert [f["side"] for f in figures] == [4] * 30 + [8] * 30
    assert (task.batch_at(0.2), task.batch_at(0.5)) == (16, 8)
    assert np.mean([f["loss"] for f in figures[-10:]]) < 0.8 * np.mean([f["loss"] for f in figures[:5]])


def test_halved_latents_hide_as_much_at_a_timestep() -> None:
    latents, noise = torch.randn(2, 4, 1, 1).expand(2, 4, 8, 8), torch.randn(64, 4, 8, 8)
    assert torch.equal(halved_latents(latents), 2 * latents[:, :, :4, :4])
    assert halved_latents(noise).std() == pytest.approx(1.0, abs=0.05)


def test_a_run_that_was_stopped_goes_on_with_the_same_losses(tmp_path: Path) -> None:
    def trained(run: Path, *stops: int) -> list[float]:
        losses: list[float] = []
        for stop in (*stops, 10**6):
            seen = {"step": 0}

            def hear(step: int, share: float, figures: dict[str, float], seen: dict[str, int] = seen) -> None:
                seen["step"] = step
                losses.append(figures["loss"])

            try:
                train(
                    tiny_task(), run, Schedule(steps=12, warmup_steps=2, decay_from=0.75, ema_half_life=0.05), seed=0,
                    on_progress=hear, should_stop=lambda stop=stop, seen=seen: seen["step"] + 1 >= stop,
                )  # fmt: skip
            except KeyboardInterrupt:
                continue
        return losses

    assert trained(tmp_path / "stopped", 4, 9) == trained(tmp_path / "whole")


def test_works_are_never_the_picture_itself_unless_they_are_to_be() -> None:
    import random

    numbers = torch.tensor([0, 1, 2, 3])
    task = tiny_task(own_share=0.0)
    for n in range(20):
        found = task._works(numbers, 2, random.Random(n))
        assert found.shape == (4, 2)
        assert not bool((found == numbers[:, None]).any())
    task = tiny_task(own_share=1.0)
    assert torch.equal(task._works(numbers, 2, random.Random(0))[:, 0], numbers)
    assert task._works(numbers, 8, random.Random(0)).shape == (4, 8)  # more than there are: some twice


def test_batches_have_works_as_often_as_chosen() -> None:
    import random

    task = tiny_task(memory_shares=((0, 0.25), (2, 0.75)))
    shapes = [task._context(np.array([0, 1]), torch.tensor([0, 1]), random.Random(n), n)[0].shape[1] for n in range(200)]
    assert set(shapes) == {5, 7}
    assert 0.15 < shapes.count(5) / 200 < 0.35


def test_figures_are_read_only_now_and_then() -> None:
    task = tiny_task(log_every=3)
    assert [bool(task.step(n, 0.0)) for n in range(6)] == [False, False, True] * 2


def test_the_gap_is_the_same_twice_and_leaves_the_generator_alone() -> None:
    task = tiny_task()
    torch.manual_seed(5)
    first = task.gap()
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), drawn)
    assert task.gap() == first
    assert set(first) == {"low_noise_trained", "low_noise_held_out"}


def test_times_fill_the_schedule_around_its_middle() -> None:
    task = tiny_task()
    times = torch.cat([task._times(256) for _ in range(4)]).float()
    assert times.min() >= 0 and times.max() <= 999
    assert 450 < times.median() < 550
    assert (times < 100).float().mean() < 0.06


def test_mirrored_pictures_have_mirrored_features() -> None:
    data, _ = tiny_data(aligned=True)
    numbers = torch.tensor([1, 1])
    maps = data.features_of(numbers, torch.tensor([False, True]))
    assert torch.equal(maps[0][0].flip(2), maps[0][1])
    latents = data.latents_of(numbers, torch.tensor([False, True]))
    assert (latents[0].flip(2) - latents[1]).abs().max() < 0.1

from pathlib import Path

import numpy as np
import pytest
import torch

from impasto.data.caches.latents import TextStates
from impasto.painting.denoising import denoise
from impasto.painting.schedulers import make_scheduler, set_steps
from impasto.training.loop.loop import train
from impasto.training.loop.steps import Schedule
from impasto.training.losses.text_whitening import TextWhitening
from impasto.training.methods.denoiser import DenoiserChoices, DenoiserTask, make_sampler, make_schedule, make_unet

SMALL = DenoiserChoices(block_out_channels=(32, 32), head_width=16, text_width=8, batch=8, learning_rate=3e-3)


def states(texts: list[str], folder: Path) -> TextStates:
    def encode(batch: list[str]) -> np.ndarray:
        rows = [np.random.default_rng(len(text)).standard_normal((5, 8)) for text in batch]
        return np.stack(rows)

    return TextStates(["", *texts], "test-encoder", encode, folder, tokens=5, width=8)


def make_task(folder: Path) -> DenoiserTask:
    torch.manual_seed(0)
    mean = np.broadcast_to(np.array([1.0, -1.0], np.float32)[:, None, None, None], (2, 4, 8, 8)).copy()
    texts = [["bright"], ["a dark one"]]
    encoded = states([t[0] for t in texts], folder)
    return DenoiserTask(
        make_unet(SMALL, 4, 8),
        (mean, np.full_like(mean, 0.01)),
        texts,
        encoded,
        TextWhitening(torch.from_numpy(encoded.sample(10))),
        SMALL,
        seed=0,
    )


def test_an_untrained_unet_predicts_nothing(tmp_path: Path) -> None:
    task = make_task(tmp_path)
    made = task.unet(torch.randn(2, 4, 8, 8), torch.tensor([1, 900]), torch.randn(2, 5, 8)).sample
    assert torch.equal(made, torch.zeros_like(made))


def test_training_obeys_the_text(tmp_path: Path) -> None:
    task = make_task(tmp_path)
    seen: list[float] = []
    train(task, tmp_path / "run", Schedule(steps=120, warmup_steps=5), seed=0,
          on_progress=lambda n, p, losses: seen.append(losses["v_error"]))  # fmt: skip
    assert np.mean(seen[-10:]) < 0.6 * np.mean(seen[:5])
    # At the last timestep nothing of the latent is left in the input: the sign of v can come from the text alone.
    noise = torch.randn(16, 4, 8, 8)
    times = torch.full((16,), 999)
    with torch.no_grad():
        for text, sign in (("bright", 1), ("a dark one", -1)):
            context = task.whitening(torch.from_numpy(task.states.states([text] * 16)))
            latent = -task.unet(noise, times, context).sample  # v = a eps - b x and b = 1
            assert sign * latent.mean() > 0.2, text


def test_a_tenth_of_the_texts_is_empty(tmp_path: Path) -> None:
    task = make_task(tmp_path)
    drawn = [text for step in range(400) for text in task._draw_texts(np.array([0, 1, 0, 1]), step)]
    assert drawn.count("") / len(drawn) == pytest.approx(0.1, abs=0.03)
    assert task._draw_texts(np.array([0, 1]), 3) == task._draw_texts(np.array([0, 1]), 3)


def test_the_noisy_end_weighs_most_and_the_weights_average_one(tmp_path: Path) -> None:
    task = make_task(tmp_path)
    alphas = make_schedule(SMALL).alphas_cumprod
    ratio = alphas / (1 - alphas)
    as_clean_error = task.weight * (ratio + 1)  # an error of v is one of the clean latent times SNR + 1
    assert float(task.weight.mean()) == pytest.approx(1, abs=1e-5)
    assert float(task.weight[-1]) == float(task.weight.max())
    assert float(as_clean_error.max() / as_clean_error[-1]) == pytest.approx(SMALL.snr_gamma, rel=1e-2)


def test_most_timesteps_are_where_a_composition_is_decided(tmp_path: Path) -> None:
    task = make_task(tmp_path)
    times = torch.cat([task._draw_times(24) for _ in range(200)])
    assert 0 <= int(times.min()) < 30 and 970 < int(times.max()) <= 999
    middle = ((times > 150) & (times < 650)).float().mean()
    assert 0.65 < float(middle) < 0.8


def test_the_schedule_leaves_no_colour_at_its_end() -> None:
    schedule = make_schedule(DenoiserChoices())
    assert schedule.config["prediction_type"] == "v_prediction"
    assert 1e-4 < float(schedule.alphas_cumprod[-1]) < 5e-4


def test_texture_survives_twenty_steps() -> None:
    """A Gaussian of deviation 0.28, whose exact velocity is known, comes out of the checkpoint's sampler with it."""
    alphas = make_schedule(DenoiserChoices()).alphas_cumprod
    kept = {}
    for spacing in (True, False):
        config = {**make_sampler(DenoiserChoices()).config, "use_karras_sigmas": spacing}
        scheduler = make_scheduler("dpm++", config)
        set_steps(scheduler, 20)

        def velocity(noisy: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            alpha = torch.from_numpy(np.interp(float(timestep), np.arange(1000), alphas.numpy(), left=1.0)[None])
            clean = noisy * alpha.sqrt() * 0.28**2 / (alpha * 0.28**2 + 1 - alpha)
            return ((alpha.sqrt() * noisy - clean) / (1 - alpha).sqrt()).float()

        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(1, 1, 64, 64, generator=generator)
        kept[spacing] = float(denoise(velocity, noise, scheduler, [generator]).std()) / 0.28
    assert 0.95 < kept[True] < 1.1
    assert kept[False] < 0.85


def test_pocket_is_small_enough() -> None:
    unet = make_unet(DenoiserChoices(), 8, 16)
    assert sum(p.numel() for p in unet.parameters()) <= 25e6

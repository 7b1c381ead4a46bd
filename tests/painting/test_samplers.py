"""The samplers against the equations, on a denoiser whose answer is known exactly."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.painting.tiny_components import SCHEDULE

from impasto.errors import UsageError
from impasto.painting.denoising import denoise, expected_clean
from impasto.painting.samplers import SAMPLERS
from impasto.painting.schedulers import make_scheduler, set_steps

TRAINED = 1000
SHAPE = (2, 1, 3, 3)
# alpha-bar of the "scaled_linear" schedule in float64, computed apart from diffusers.
ALPHA_BAR = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, TRAINED) ** 2)


def mixture_noise(x: np.ndarray, t: int) -> np.ndarray:
    """E[eps | x_t = x] where each value of x_0 is drawn from 0.3 N(-1.2, 0.4^2) + 0.7 N(0.8, 0.25^2)."""
    weights, means, spreads = np.array([0.3, 0.7]), np.array([-1.2, 0.8]), np.array([0.4, 0.25])
    a = ALPHA_BAR[t]
    variance = a * spreads**2 + 1 - a
    away = x[..., None] - np.sqrt(a) * means
    log = np.log(weights) - 0.5 * np.log(variance) - 0.5 * away**2 / variance
    share = np.exp(log - log.max(-1, keepdims=True))
    share /= share.sum(-1, keepdims=True)
    return np.sqrt(1 - a) * (share * away / variance).sum(-1)


def model(prediction_type: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    def predict(x: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        t = round(float(timestep))
        noise = mixture_noise(x.double().numpy(), t)
        if prediction_type == "v_prediction":
            signal, spread = np.sqrt(ALPHA_BAR[t]), np.sqrt(1 - ALPHA_BAR[t])
            noise = signal * noise - spread * (x.double().numpy() - spread * noise) / signal
        return torch.from_numpy(noise).to(x.dtype)

    return predict


def sample(name: str, steps: int, prediction_type: str, eta: float = 0.0) -> np.ndarray:
    """The project's own loop in float64, from noise of seeds 0 and 1."""
    scheduler = make_scheduler(name, {**SCHEDULE, "prediction_type": prediction_type}, eta)
    set_steps(scheduler, steps)
    scheduler.alphas_cumprod = torch.from_numpy(ALPHA_BAR)
    scheduler.final_alpha_cumprod = scheduler.alphas_cumprod[0]
    generators = [torch.Generator().manual_seed(seed) for seed in range(SHAPE[0])]
    noise = torch.cat([torch.randn((1, *SHAPE[1:]), generator=g, dtype=torch.float64) for g in generators])
    return denoise(model(prediction_type), noise, scheduler, generators, eta=eta).numpy()


def draws() -> Callable[[], np.ndarray]:
    generators = [torch.Generator().manual_seed(seed) for seed in range(SHAPE[0])]
    return lambda: np.concatenate(
        [torch.randn((1, *SHAPE[1:]), generator=g, dtype=torch.float64).numpy() for g in generators]
    )


def timetable(steps: int) -> list[tuple[int, float, float]]:
    """(t, alpha-bar at t, alpha-bar at the next t), from T down in strides of T // steps, offset by 1."""
    stride = TRAINED // steps
    rows = []
    for t in (np.arange(steps)[::-1] * stride + 1).tolist():
        rows.append((t, ALPHA_BAR[t], ALPHA_BAR[t - stride] if t >= stride else ALPHA_BAR[0]))
    return rows


def equation_19(
    x: np.ndarray, e: np.ndarray, a: float, a_next: float, sigma: float, draw: np.ndarray | float
) -> np.ndarray:
    clean = (x - np.sqrt(1 - a) * e) / np.sqrt(a)
    return np.sqrt(a_next) * clean + np.sqrt(1 - a_next - sigma**2) * e + sigma * draw


def ddim(steps: int, eta: float) -> np.ndarray:
    draw = draws()
    x = draw()
    for t, a, a_next in timetable(steps):
        sigma = eta * np.sqrt((1 - a_next) / (1 - a) * (1 - a / a_next))
        x = equation_19(x, mixture_noise(x, t), a, a_next, sigma, draw() if eta else 0.0)
    return x


def plms(steps: int) -> np.ndarray:
    """Algorithm 1 of Wu 2022, line by line."""
    x = draws()()
    e: list[np.ndarray] = []
    rows = timetable(steps)
    for i, (t, a, a_next) in enumerate(rows):
        e.append(mixture_noise(x, t))
        if i == 0:
            ahead = equation_19(x, e[-1], a, a_next, 0.0, 0.0)
            extrapolated = (e[-1] + mixture_noise(ahead, rows[1][0])) / 2
        elif i == 1:
            extrapolated = (3 * e[-1] - e[-2]) / 2
        elif i == 2:
            extrapolated = (23 * e[-1] - 16 * e[-2] + 5 * e[-3]) / 12
        else:
            extrapolated = (55 * e[-1] - 59 * e[-2] + 37 * e[-3] - 9 * e[-4]) / 24
        x = equation_19(x, extrapolated, a, a_next, 0.0, 0.0)
    return x


def boundary(t: int) -> tuple[float, float]:
    """c_skip and c_out of section 3 of Luo et al. 2023, with their sigma of the data 0.5 and t scaled by 10."""
    return 0.5**2 / ((10 * t) ** 2 + 0.5**2), 10 * t / np.sqrt((10 * t) ** 2 + 0.5**2)


def lcm(levels: list[int]) -> np.ndarray:
    """Algorithm 3 of Luo et al. 2023, with the mixture's denoiser in the student's place."""
    draw = draws()
    x = draw()
    for t, after in zip(levels, [*levels[1:], None], strict=True):
        clean = (x - np.sqrt(1 - ALPHA_BAR[t]) * mixture_noise(x, t)) / np.sqrt(ALPHA_BAR[t])
        skip, out = boundary(t)
        x = skip * x + out * clean
        if after is not None:
            x = np.sqrt(ALPHA_BAR[after]) * x + np.sqrt(1 - ALPHA_BAR[after]) * draw()
    return x


PREDICTIONS = ("epsilon", "v_prediction")
# With a denoiser that is no student, lcm's steps end at means, not in the mixture.
FLOWING = [name for name in SAMPLERS if name != "lcm"]


@pytest.mark.parametrize("prediction_type", PREDICTIONS)
@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("steps", [7, 50])
def test_ddim_is_equation_19(steps: int, eta: float, prediction_type: str) -> None:
    assert np.abs(sample("ddim", steps, prediction_type, eta) - ddim(steps, eta)).max() < 1e-5


@pytest.mark.parametrize("prediction_type", PREDICTIONS)
@pytest.mark.parametrize("steps", [7, 50])
def test_plms_is_algorithm_1(steps: int, prediction_type: str) -> None:
    assert np.abs(sample("plms", steps, prediction_type) - plms(steps)).max() < 1e-5


@pytest.mark.parametrize("prediction_type", PREDICTIONS)
@pytest.mark.parametrize("steps, levels", [(1, [999]), (4, [999, 759, 499, 259]), (7, [999, 859, 719, 579, 439, 299, 159])])
def test_lcm_is_algorithm_3(steps: int, levels: list[int], prediction_type: str) -> None:
    assert np.abs(sample("lcm", steps, prediction_type) - lcm(levels)).max() < 1e-5


def test_lcm_at_level_0_is_the_identity() -> None:
    """The boundary condition f(x, 0) = x, whatever the model says."""
    scheduler = make_scheduler("lcm", SCHEDULE)
    assert scheduler.get_scalings_for_boundary_condition_discrete(0) == boundary(0) == (1.0, 0.0)
    for t in (19, 259, 999):
        assert scheduler.get_scalings_for_boundary_condition_discrete(t) == pytest.approx(boundary(t))


def test_lcm_starts_from_zero_terminal_snr() -> None:
    config = {**SCHEDULE, "rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}
    scheduler = make_scheduler("lcm", config)
    set_steps(scheduler, 4)
    assert float(scheduler.alphas_cumprod[999]) == 0
    x = denoise(model("v_prediction"), torch.randn(1, 1, 3, 3), scheduler, [torch.Generator().manual_seed(0)])
    assert torch.isfinite(x).all()


@pytest.mark.parametrize("prediction_type", PREDICTIONS)
@pytest.mark.parametrize("name", ["plms", "dpm++", "euler", "heun", "unipc"])
def test_deterministic_samplers_agree_on_the_flow(name: str, prediction_type: str) -> None:
    """One noise, one probability flow: with many steps all of them end where DDIM does."""
    assert np.abs(sample(name, 200, prediction_type) - ddim(500, 0.0)).max() < 0.05


@pytest.mark.parametrize("name", FLOWING)
def test_samples_have_the_mixtures_moments(name: str) -> None:
    scheduler = make_scheduler(name, SCHEDULE)
    set_steps(scheduler, 50)
    generators = [torch.Generator().manual_seed(seed) for seed in range(2)]
    noise = torch.cat([torch.randn((1, 1, 64, 64), generator=g) for g in generators])
    x = denoise(model("epsilon"), noise, scheduler, generators)
    mean = 0.3 * -1.2 + 0.7 * 0.8
    spread = np.sqrt(0.3 * (0.4**2 + 1.2**2) + 0.7 * (0.25**2 + 0.8**2) - mean**2)
    assert abs(float(x.mean()) - mean) < 0.05
    assert abs(float(x.std()) - spread) < 0.05


@pytest.mark.parametrize("prediction_type", PREDICTIONS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_previews_show_what_the_model_expects(name: str, prediction_type: str) -> None:
    scheduler = make_scheduler(name, {**SCHEDULE, "prediction_type": prediction_type})
    set_steps(scheduler, 10)
    generators = [torch.Generator().manual_seed(0)]
    expected: list[torch.Tensor] = []
    denoise(
        model(prediction_type),
        torch.randn((1, 1, 32, 32), generator=generators[0]),
        scheduler,
        generators,
        on_step=lambda done, seen, answer, t: expected.append(
            expected_clean(scheduler, prediction_type, seen, answer, t)
        ),
    )
    # E[x_0 | x_t] lies among the mixture's values at every t, and spreads out to them as t falls.
    assert all(float(clean.abs().max()) < 3 for clean in expected)
    assert float(expected[0].std()) < 0.3 < 0.7 < float(expected[-1].std())


@pytest.mark.parametrize("name", FLOWING)
@pytest.mark.parametrize("steps", [1, 2, 3, 200, 999])
def test_few_and_many_steps(name: str, steps: int) -> None:
    x = sample(name, steps, "epsilon")
    assert np.isfinite(x).all()
    # One step ends at the mixture's mean, give or take; many end in the mixture.
    assert np.abs(x).max() < (20 if steps < 10 else 3)


@pytest.mark.parametrize("steps", [200, 500, 600])
@pytest.mark.parametrize("name", sorted(set(FLOWING) - {"ddim", "plms"}))
def test_timetables_start_near_pure_noise(name: str, steps: int) -> None:
    scheduler = make_scheduler(name, SCHEDULE)
    set_steps(scheduler, steps)
    assert float(scheduler.timesteps[0]) >= 900


@pytest.mark.parametrize("spacing", ["linspace", "trailing"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_the_checkpoints_schedule_is_honoured(name: str, spacing: str) -> None:
    config = {**SCHEDULE, "timestep_spacing": spacing, "clip_sample": True, "prediction_type": "v_prediction"}
    scheduler = make_scheduler(name, config)
    set_steps(scheduler, 10)
    assert float(scheduler.timesteps[0]) == pytest.approx(999, abs=0.5)
    assert not scheduler.config.get("clip_sample", False)
    assert torch.allclose(scheduler.alphas_cumprod.double(), torch.from_numpy(ALPHA_BAR), rtol=1e-4)


def test_refusals() -> None:
    with pytest.raises(UsageError, match=r"unknown sampler 'ddmi': use one of ddpm, ddim, plms, dpm\+\+"):
        make_scheduler("ddmi", SCHEDULE)
    with pytest.raises(UsageError, match="for ddim only"):
        make_scheduler("euler", SCHEDULE, eta=0.5)
    with pytest.raises(UsageError, match="prediction_type 'flow_prediction'"):
        make_scheduler("ddim", {**SCHEDULE, "prediction_type": "flow_prediction"})
    with pytest.raises(UsageError, match="zero terminal SNR"):
        make_scheduler("plms", {**SCHEDULE, "rescale_betas_zero_snr": True})
    with pytest.raises(UsageError, match="use 500 or 1000"):
        set_steps(make_scheduler("ddim", SCHEDULE), 600)
    with pytest.raises(UsageError, match="use 333 or 500"):
        set_steps(make_scheduler("ddim", SCHEDULE), 400)
    with pytest.raises(UsageError, match="51 steps: lcm takes at most 50"):
        set_steps(make_scheduler("lcm", SCHEDULE), 51)
    with pytest.raises(UsageError, match="lcm takes at most 20"):
        set_steps(make_scheduler("lcm", {**SCHEDULE, "num_train_timesteps": 20}), 50)
    with pytest.raises(UsageError, match="at most 999"):
        set_steps(make_scheduler("dpm++", SCHEDULE), 1000)
    with pytest.raises(UsageError, match="at most 100"):
        set_steps(make_scheduler("ddim", {**SCHEDULE, "num_train_timesteps": 100}), 101)

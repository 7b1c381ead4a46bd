"""Sets up the diffusers scheduler of a sampler, from the checkpoint's own noise schedule."""

import inspect
from typing import Any

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_lcm import LCMScheduler
from diffusers.schedulers.scheduling_pndm import PNDMScheduler

from impasto.errors import UsageError
from impasto.painting.samplers import find_sampler

# Settings that a checkpoint's config may not change: latents are not pixels, so clipping them to [-1, 1] would
# spoil them.
_LATENTS = {"clip_sample": False, "thresholding": False}


class LinearMultistepScheduler(PNDMScheduler):
    """PLMS, algorithm 1 of Wu 2022, for checkpoints that predict noise and for those that predict velocity.

    The algorithm extrapolates past *noise* predictions. diffusers' PNDM extrapolates whatever the model
    returns, and converts an extrapolated velocity to noise with the current sample alone, which costs it its
    order of accuracy. So this class converts a velocity to noise before it enters the history. With epsilon
    prediction this is diffusers' PNDM, bit for bit.
    """

    # Set by make_scheduler, which configures PNDM itself for noise: `step` has converted the velocity by then.
    velocity: bool = False

    def step(
        self, model_output: torch.Tensor, timestep: Any, sample: torch.Tensor, return_dict: bool = True
    ) -> Any:
        """Takes one step from x_t [n, C, h, w] and the model's output, of the same shape, as PNDMScheduler.step does."""
        if self.velocity:
            alpha_bar = self.alphas_cumprod[int(timestep)]
            model_output = alpha_bar.sqrt() * model_output + (1 - alpha_bar).sqrt() * sample
        return super().step(model_output, timestep, sample, return_dict)


def make_scheduler(name: str, scheduler_config: dict[str, Any], eta: float = 0.0) -> Any:
    """Returns a new diffusers scheduler for the sampler `name` on a checkpoint's noise schedule.

    Args:
        name: a key of `SAMPLERS`.
        scheduler_config: the checkpoint's scheduler_config.json: betas, prediction_type, steps_offset,
            timestep_spacing, use_karras_sigmas and set_alpha_to_one (default False, as in Stable Diffusion) are
            kept; settings that the scheduler does not take are left out.
        eta: 0 .. 1, the share of DDPM's variance that `ddim` adds in each step (sigma_t of equation 19).

    Raises:
        UsageError: unknown sampler; eta with a sampler other than ddim; a schedule that the sampler cannot
            run.
    """
    import diffusers

    spec = find_sampler(name)
    if eta and name != "ddim":
        raise UsageError(f"eta {eta:g} has a meaning for ddim only, not for {name}: leave it at 0")
    prediction = scheduler_config.get("prediction_type", "epsilon")
    if prediction not in ("epsilon", "v_prediction"):
        raise UsageError(f"prediction_type {prediction!r} in the checkpoint's scheduler is not supported")
    if scheduler_config.get("rescale_betas_zero_snr") and not spec.zero_snr:
        raise UsageError(f"{name} cannot start from this checkpoint's zero terminal SNR: use ddim or dpm++")
    kind: Any = LinearMultistepScheduler if spec.scheduler == "LinearMultistepScheduler" else None
    kind = kind or getattr(diffusers, spec.scheduler)
    known = inspect.signature(kind.__init__).parameters
    said = {"set_alpha_to_one": False, **scheduler_config, **_LATENTS}
    settings = {key: value for key, value in said.items() if key in known}
    if kind is LinearMultistepScheduler:
        scheduler = LinearMultistepScheduler(**{**settings, **spec.options, "prediction_type": "epsilon"})
        scheduler.velocity = prediction == "v_prediction"
        return scheduler
    return kind(**{**settings, **spec.options})


def set_steps(scheduler: Any, steps: int, device: torch.device | str = "cpu") -> None:
    """Set the timesteps of `scheduler`: `steps` steps over the trained noise levels.

    "leading" spacing uses whole strides, so with many steps it may start far below pure noise: 600 of
    1000 levels make a stride of 1, from t = 599 down, while the latents hold noise meant for t = 999. If
    it would cover less than nine tenths of the levels, samplers that take any timesteps get "linspace"
    instead; ddim and plms, which compute their strides themselves, cannot.

    lcm's student model was trained on a few levels only (50 in Luo et al. 2023), and its steps are some of those.

    Raises:
        UsageError: more steps than noise levels, or a number that ddim or plms cannot spread.
    """
    trained = int(scheduler.config.num_train_timesteps)
    if isinstance(scheduler, LCMScheduler):
        known = min(trained, int(scheduler.config["original_inference_steps"]))
        if steps > known:
            raise UsageError(f"{steps} steps: lcm takes at most {known} with this checkpoint")
        scheduler.set_timesteps(steps, device=device, original_inference_steps=known)
        return
    # The solvers that end with a step to sigma = 0 place one more level and leave the last one out.
    levels = steps + 1 if hasattr(scheduler, "lower_order_nums") else steps
    if levels > trained:
        most = trained - (levels - steps)
        raise UsageError(f"{steps} steps: this sampler and checkpoint take at most {most}")
    if scheduler.config.get("timestep_spacing") == "leading":
        stride = trained // levels
        if stride * levels < 0.9 * trained:
            if isinstance(scheduler, DDIMScheduler | PNDMScheduler):
                fitting = f"{trained // (stride + 1)} or {trained // stride}"
                raise UsageError(
                    f"{steps} steps do not spread evenly over {trained} noise levels: use {fitting}"
                )
            scheduler.register_to_config(timestep_spacing="linspace")
        # With an offset of 1, 1000 steps would use noise level 1000, but the levels are 0 .. 999.
        largest = trained - 1 - (levels - 1) * stride
        if int(scheduler.config.get("steps_offset", 0)) > largest:
            scheduler.register_to_config(steps_offset=largest)
    scheduler.set_timesteps(steps, device=device)


def step_arguments(scheduler: Any, eta: float, generators: list[torch.Generator]) -> dict[str, Any]:
    """Returns the extra arguments of `scheduler.step`: eta for ddim, generators for stochastic samplers."""
    known = inspect.signature(scheduler.step).parameters
    return {key: value for key, value in (("eta", eta), ("generator", generators)) if key in known}

"""The samplers by their usual names. Each runs a diffusers scheduler, which `schedulers.make_scheduler` sets up.

To add one: a row in `SAMPLERS`, and a line in tests/painting/test_samplers.py if a paper gives its equation. Nothing here
imports torch, so that a request can be checked without it.
"""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from impasto.errors import UsageError


@dataclass(frozen=True)
class SamplerSpec:
    """One sampler: its name, the scheduler that runs it, and that scheduler's settings.

    Attributes:
        scheduler: name of a scheduler class in `diffusers`, or of one in `schedulers`.
        source: where the method is described.
        options: scheduler settings that define this sampler; they override the checkpoint's.
        stochastic: it draws fresh noise in each step (`ddim` does so only with eta > 0).
        zero_snr: it can start from a schedule whose last step is pure noise (`rescale_betas_zero_snr`).
        usual_steps, usual_guidance: the defaults for this sampler.
    """

    name: str
    scheduler: str
    source: str
    options: MappingProxyType[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    stochastic: bool = False
    zero_snr: bool = True
    usual_steps: int = 25
    usual_guidance: float = 5.0


def _spec(name: str, scheduler: str, source: str, *, stochastic: bool = False, zero_snr: bool = True,
          usual: tuple[int, float] = (25, 5.0), **options: Any) -> SamplerSpec:  # fmt: skip
    return SamplerSpec(name, scheduler, source, MappingProxyType(options), stochastic, zero_snr, *usual)


SAMPLERS: dict[str, SamplerSpec] = {
    spec.name: spec
    for spec in (
        _spec("ddpm", "DDPMScheduler", "Ho et al. 2020, algorithm 2", stochastic=True),
        _spec("ddim", "DDIMScheduler", "Song et al. 2020; Wu 2022, equation 19"),
        _spec("plms", "LinearMultistepScheduler", "Liu et al. 2022; Wu 2022, algorithm 1",
              skip_prk_steps=True, zero_snr=False),
        _spec("dpm++", "DPMSolverMultistepScheduler", "Lu et al. 2022, DPM-Solver++(2M)",
              algorithm_type="dpmsolver++"),
        _spec("dpm++-sde", "DPMSolverMultistepScheduler", "Lu et al. 2022, SDE-DPM-Solver++(2M)",
              algorithm_type="sde-dpmsolver++", stochastic=True),
        _spec("euler", "EulerDiscreteScheduler", "Karras et al. 2022, algorithm 2 without churn"),
        _spec("euler-a", "EulerAncestralDiscreteScheduler", "Crowson 2022, k-diffusion", stochastic=True),
        _spec("heun", "HeunDiscreteScheduler", "Karras et al. 2022, algorithm 1", zero_snr=False),
        _spec("unipc", "UniPCMultistepScheduler", "Zhao et al. 2023, UniPC-2"),
        # The student model has learned its teacher's guided output: guided once more, it overshoots.
        _spec("lcm", "LCMScheduler", "Luo et al. 2023, algorithm 3", stochastic=True, usual=(4, 1.0)),
    )
}  # fmt: skip


def find_sampler(name: str) -> SamplerSpec:
    """Returns the sampler called `name`.

    Raises:
        UsageError: there is no sampler of that name; the message lists the known ones.
    """
    spec = SAMPLERS.get(name)
    if spec is None:
        raise UsageError(f"unknown sampler {name!r}: use one of {', '.join(SAMPLERS)}")
    return spec

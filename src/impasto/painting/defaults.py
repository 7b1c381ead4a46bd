"""How a picture is painted where the user says nothing: as the checkpoint says of itself, else as is usual."""

from dataclasses import dataclass

from impasto.checkpoints.painting_defaults import PaintingDefaults
from impasto.painting.guidance.guiders import find_guider
from impasto.painting.guidance.record import USUAL, Interval
from impasto.painting.samplers import find_sampler

USUAL_SAMPLER = "dpm++"
NO_DEFAULTS = PaintingDefaults()


@dataclass(frozen=True)
class Sampling:
    """Sampler, steps, guider and guidance, all decided."""

    sampler: str
    steps: int
    guider: str
    guidance: float
    guidance_interval: Interval | None


def choose_sampling(
    defaults: PaintingDefaults = NO_DEFAULTS,
    *,
    sampler: str | None = None,
    steps: int | None = None,
    guider: str | None = None,
    guidance: float | None = None,
    guidance_interval: Interval | None = None,
    negative: str = "",
) -> Sampling:
    """What the user said, and for the rest (None) what goes with it.

    The checkpoint's steps hold for its own sampler, its guidance for its own guider; and its guider only where that goes
    with the sampler and the negative prompt that the user chose. With `lcm`, whose student paints without guidance, none
    of them does.

    Raises:
        UsageError: no such sampler or guider.
    """
    own_sampler, own_guider = defaults.sampler or USUAL_SAMPLER, defaults.guider or USUAL
    if guider is None and guidance_interval is not None:
        guider = "interval"
    if sampler is None:
        suited = find_guider(guider).samplers if guider is not None else ()
        sampler = own_sampler if not suited or own_sampler in suited else suited[0]
    found, few_steps = find_sampler(sampler), find_sampler(sampler).usual_guidance == 1
    if guider is None:
        spec = find_guider(own_guider)
        suits = (not spec.samplers or sampler in spec.samplers) and (spec.asks_away or not negative)
        guider = own_guider if suits and not few_steps else USUAL
    owned = guider == own_guider and (not few_steps or sampler == defaults.sampler)
    if guidance is None and owned:
        guidance = defaults.guidance
    if guidance is None:
        usual = find_guider(guider).usual_guidance
        guidance = found.usual_guidance if usual is None or few_steps else usual
    if guidance_interval is None and owned and guider == "interval":
        guidance_interval = defaults.guidance_interval
    if steps is None and sampler == own_sampler:
        steps = defaults.steps
    return Sampling(sampler, found.usual_steps if steps is None else steps, guider, guidance, guidance_interval)

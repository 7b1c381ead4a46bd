"""Default sampling settings: the checkpoint's own defaults where it has them, else the general ones."""

from dataclasses import dataclass

from impasto.checkpoints.painting_defaults import DOMAIN, PAINTING_FILE, PaintingDefaults
from impasto.errors import UsageError
from impasto.painting.guidance.guiders import find_guider
from impasto.painting.guidance.record import USUAL, Interval
from impasto.painting.samplers import find_sampler

USUAL_SAMPLER = "dpm++"
NO_DEFAULTS = PaintingDefaults()


@dataclass(frozen=True)
class Sampling:
    """The sampler, steps, guider and guidance of a picture, with all defaults resolved."""

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
    """Returns the user's settings, with a fitting default for each one that is None.

    The checkpoint's steps apply to its own sampler only, and its guidance to its own guider only; cfg and domain take the
    same. Its guider applies only if it is compatible with the sampler and the negative prompt that the user chose. With
    `lcm`, whose student model paints without guidance, none of them applies.

    Raises:
        UsageError: no such sampler or guider.
    """
    own_sampler, own_guider = defaults.sampler or USUAL_SAMPLER, defaults.guider or USUAL
    _check_own(own_sampler, own_guider)
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
    same_scale = {guider, own_guider} <= {USUAL, DOMAIN}
    owned = (guider == own_guider or same_scale) and (not few_steps or sampler == defaults.sampler)
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


def _check_own(sampler: str, guider: str) -> None:
    """Raises UsageError if a checkpoint's own sampler or guider is not known; the message names its file."""
    try:
        find_sampler(sampler)
        find_guider(guider)
    except UsageError as error:
        raise UsageError(f"the checkpoint's {PAINTING_FILE}: {error}") from None

"""The guider in a painting's record and in A1111's text, written and read back with care; no torch."""

from typing import Any, TypeAlias

from impasto.errors import UsageError
from impasto.painting.foreign import RecordError
from impasto.painting.foreign.record import real_number

USUAL = "cfg"
# The names of A1111's settings; it has none of its own for these.
GUIDER, GUIDANCE_INTERVAL = "Guider", "Guidance interval"
Interval: TypeAlias = tuple[float, float]
# Kynkäänniemi et al. 2024 took 0.28 < sigma <= 5.42 for Stable Diffusion XL. In its schedule these are the shares 0.07 to
# 0.81 of the timesteps.
USUAL_INTERVAL: Interval = (0.1, 0.8)
_LONGEST_NAME = 40


def interval_of(guider: str, given: Interval | None) -> Interval | None:
    """The interval that a guider guides in, where it is one that has any."""
    return (given or USUAL_INTERVAL) if guider == "interval" else None


def write_interval(interval: Interval) -> str:
    """ "0.2,0.8" of (0.2, 0.8), with all digits."""
    return ",".join(map(repr, interval))


def parse_interval(text: str) -> Interval:
    """(0.2, 0.8) of "0.2,0.8".

    Raises:
        UsageError: it is no such pair.
    """
    try:
        lowest, highest = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"guidance interval {text!r}: use two shares from 0 to 1, such as 0.2,0.8") from None
    check_interval((lowest, highest))
    return lowest, highest


def check_interval(interval: Interval) -> None:
    """Raises UsageError where it is none of the timesteps'."""
    lowest, highest = interval
    if not 0 <= lowest < highest <= 1:
        raise UsageError(f"guidance interval {lowest:g},{highest:g}: use two shares from 0 to 1, the lower first")


def read_guider(value: Any) -> str:
    """The field `guider`; None, as older pictures have it, is cfg. One that this version lacks is read too.

    Raises:
        RecordError: it is not what a record of ours holds.
    """
    if value is None:
        return USUAL
    if isinstance(value, str) and value.isprintable() and 0 < len(value) <= _LONGEST_NAME:
        return value
    raise RecordError("its impasto record has no valid 'guider'")


def read_guidance_interval(value: Any) -> Interval | None:
    """The field `guidance_interval`; None where the guider has none.

    Raises:
        RecordError: it is not what a record of ours holds.
    """
    if value is None:
        return None
    numbers = [None if isinstance(n, str) else real_number(n) for n in value] if isinstance(value, list) else []
    if len(numbers) == 2 and numbers[0] is not None and numbers[1] is not None and 0 <= numbers[0] < numbers[1] <= 1:
        return numbers[0], numbers[1]
    raise RecordError("its impasto record has no valid 'guidance_interval'")

"""Writes and reads the guider in a painting's record and in A1111's text, as untrusted input. It does not import torch."""

from typing import Any, Literal, TypeAlias

from impasto.errors import UsageError
from impasto.painting.foreign import RecordError
from impasto.painting.foreign.record import real_number

USUAL = "cfg"
# The names for A1111's settings line; A1111 has no names of its own for these.
GUIDER, GUIDANCE_INTERVAL = "Guider", "Guidance interval"
Interval: TypeAlias = tuple[float, float]
Worse: TypeAlias = Literal["", "guide", "perturbed"]  # the other U-Net that a guider leads away from
# Kynkäänniemi et al. 2024 use 0.28 < sigma <= 5.42 for Stable Diffusion XL. In its schedule these are the shares 0.07 to
# 0.81 of the timesteps.
USUAL_INTERVAL: Interval = (0.1, 0.8)
_LONGEST_NAME = 40


def interval_of(guider: str, given: Interval | None) -> Interval | None:
    """Returns the interval in which a guider guides; None for every guider but `interval`."""
    return (given or USUAL_INTERVAL) if guider == "interval" else None


def write_interval(interval: Interval) -> str:
    """Writes (0.2, 0.8) as "0.2,0.8", with all digits."""
    return ",".join(map(repr, interval))


def parse_interval(text: str) -> Interval:
    """Parses "0.2,0.8" into (0.2, 0.8).

    Raises:
        UsageError: the text is not such a pair.
    """
    try:
        lowest, highest = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"guidance interval {text!r}: use two shares from 0 to 1, such as 0.2,0.8") from None
    check_interval((lowest, highest))
    return lowest, highest


def check_interval(interval: Interval) -> None:
    """Raises UsageError unless the interval is two shares from 0 to 1, the lower first."""
    lowest, highest = interval
    if not 0 <= lowest < highest <= 1:
        raise UsageError(f"guidance interval {lowest:g},{highest:g}: use two shares from 0 to 1, the lower first")


def read_guider(value: Any) -> str:
    """Reads the field `guider`; None, as in older pictures, gives cfg. A guider that this version lacks is accepted too.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    if value is None:
        return USUAL
    if isinstance(value, str) and value.isprintable() and 0 < len(value) <= _LONGEST_NAME:
        return value
    raise RecordError("its impasto record has no valid 'guider'")


def read_guidance_interval(value: Any) -> Interval | None:
    """Reads the field `guidance_interval`; None if the guider has no interval.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    if value is None:
        return None
    numbers = [None if isinstance(n, str) else real_number(n) for n in value] if isinstance(value, list) else []
    if len(numbers) == 2 and numbers[0] is not None and numbers[1] is not None and 0 <= numbers[0] < numbers[1] <= 1:
        return numbers[0], numbers[1]
    raise RecordError("its impasto record has no valid 'guidance_interval'")

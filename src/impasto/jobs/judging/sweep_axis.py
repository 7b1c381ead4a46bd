"""The axis of a sweep, such as `guidance=1.5:8`: the values of one setting of a picture at which is painted and measured."""

import math
import re
from dataclasses import dataclass

from impasto.errors import UsageError
from impasto.jobs.painting.grid_axes import AXES, Axis

MOST_POINTS = 100
_USUAL_POINTS = 8  # a range without a step has about as many
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_RANGE = re.compile(rf"({_NUMBER}):({_NUMBER})(?::({_NUMBER}))?")
# A prompt's pictures are compared along the axis, so these stay the same.
_FIXED = {"prompt": "--prompts FILE names the prompts", "seed": "--count sets how many seeds each prompt is painted with"}


@dataclass(frozen=True)
class SweepAxis:
    """The values of one setting.

    Attributes:
        axis: the setting and its values, as `impasto grid` has them.
        numbers: the values as numbers, in rising order; None for names, such as samplers.
    """

    axis: Axis
    numbers: tuple[float, ...] | None

    @property
    def name(self) -> str:
        """The name of the setting."""
        return self.axis.name

    @property
    def values(self) -> tuple[str, ...]:
        """The values in words."""
        return self.axis.values

    @classmethod
    def parse(cls, text: str) -> "SweepAxis":
        """Parses NAME=VALUES: `guidance=1.5:8` (about eight values, the ends among them), `guidance=1.5:8:1.5` (with a
        step), `steps=5,10,20` (a list, also with ranges in it), `sampler=ddim,dpm++` (names).

        Raises:
            UsageError: the text has no such form; there is no such axis; a range counts nothing or too far.
            ImpastoError: a file of values cannot be read.
        """
        name, equals, values = text.partition("=")
        name = name.strip().lower()
        if not equals or not values.strip():
            raise UsageError(f"--sweep {text!r}: use AXIS=VALUES, such as guidance=1.5:8 or steps=5,10,20")
        if name in _FIXED:
            raise UsageError(f"--sweep {name}: {_FIXED[name]}; the axis is one of {', '.join(_axes())}")
        if name not in AXES:
            raise UsageError(f"--sweep {text!r}: there is no axis {name!r}, use {', '.join(_axes())}")
        kind = AXES[name]
        if not kind.is_number:
            axis = Axis.parse("--sweep", f"{name}={values}")
            return cls(_checked(name, list(dict.fromkeys(axis.values))), None)
        found: list[float] = []
        for part in filter(None, (part.strip() for part in re.split("[,;]", values))):
            found += _numbers(name, part, whole=kind.is_whole)
        numbers = tuple(sorted(set(found)))
        words = [str(round(number)) if kind.is_whole else f"{number:g}" for number in numbers]
        return cls(_checked(name, words), numbers)


def _axes() -> list[str]:
    return [name for name in AXES if name not in _FIXED]


def _checked(name: str, values: list[str]) -> Axis:
    if not 2 <= len(values) <= MOST_POINTS:
        raise UsageError(f"--sweep {name}: {len(values)} values: a curve has 2 to {MOST_POINTS} points")
    return Axis(name, tuple(values))


def _numbers(name: str, part: str, *, whole: bool) -> list[float]:
    """The numbers of one part of the list: a number, or a range with its ends."""
    if whole and re.fullmatch(r"\d{1,18}-\d{1,18}(:\d{1,9})?", part):  # as grid writes ranges
        part = part.replace("-", ":", 1)
    span = _RANGE.fullmatch(part)
    try:
        ends = [float(number) for number in (span.groups() if span else (part,)) if number is not None]
    except ValueError:
        ends = [math.nan]
    if not all(map(math.isfinite, ends)) or (whole and any(not number.is_integer() for number in ends)):
        kind = "whole number" if whole else "number"
        raise UsageError(f"--sweep {name}: {part!r} is no {kind}, and no range FIRST:LAST or FIRST:LAST:STEP")
    if span is None:
        return ends
    first, last, *given = ends
    if last < first or (given and given[0] <= 0):
        raise UsageError(f"--sweep {name}: {part!r} counts nothing: use FIRST:LAST or FIRST:LAST:STEP, upward")
    step = given[0] if given else _usual_step(last - first, whole)
    # Half a thousandth of a step for rounding: 0.1 added ten times is not 1.
    count = int((last - first) / step + 5e-4) + 1
    if count > MOST_POINTS:
        raise UsageError(f"--sweep {name}: {part!r} has {count} values: a curve has at most {MOST_POINTS}")
    numbers = [float(f"{first + number * step:.10g}") for number in range(count)]
    return numbers if given or math.isclose(numbers[-1], last) else [*numbers, last]


def _usual_step(length: float, whole: bool) -> float:
    """A round step (1, 2 or 5 times a power of ten) that gives at most `_USUAL_POINTS` values."""
    if length == 0:
        return 1.0
    least = length / (_USUAL_POINTS - 1)
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
    return max(1.0, float(round(step))) if whole else step

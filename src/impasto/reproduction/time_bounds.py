"""Time bounds of a reproduction's phases: what a bound leaves undone is counted, kept and told in the report."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from impasto.errors import UsageError

BOUNDED = ("caption", "expand", "paint")  # phases that can end before everything is done


class TimeIsUp(Exception):
    """A phase has used its time; what it has done so far is kept."""


@dataclass(frozen=True)
class Bound:
    """The time that a phase has left in this start of the command.

    Attributes:
        ends: the moment (`time.monotonic`) at which it ends; None for never.
    """

    ends: float | None = None

    @classmethod
    def of(cls, minutes: float | None, spent: float) -> "Bound":
        """Returns the bound of a phase that may take `minutes` in all, of which earlier starts took `spent` seconds."""
        return cls() if minutes is None else cls(time.monotonic() + 60 * minutes - spent)

    @property
    def is_over(self) -> bool:
        """Whether the time is used up."""
        return self.ends is not None and time.monotonic() >= self.ends

    def check(self) -> None:
        """Raises TimeIsUp if the time is used up."""
        if self.is_over:
            raise TimeIsUp


def parse_bounds(given: Mapping[str, float]) -> dict[str, float]:
    """Returns phase -> minutes at most.

    Raises:
        UsageError: there is no such phase that can be bounded, or the minutes are not more than 0.
    """
    for phase, minutes in given.items():
        if phase not in BOUNDED:
            raise UsageError(f"bounds: there is no bounded phase {phase!r}: use {', '.join(BOUNDED)}")
        if not 0 < minutes <= 1_000_000:
            raise UsageError(f"bounds: {phase} {minutes:g} minutes: use more than 0")
    return dict(given)

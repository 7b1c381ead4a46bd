"""The words of a training on one line: its choices at the start, and then how it goes."""

import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Any

from impasto.training.loop.figures import LEARNING_RATE, NO_LOSSES, PICTURES_PER_SECOND

_REPORT_SECONDS = 30.0
_SMOOTHED = 20  # steps that loss and throughput are the mean of: one step's loss is mostly its timesteps'


def choices_line(choices: Mapping[str, Any], given: Collection[str]) -> str:
    """All choices as name=value, those first that were `given` on the command line."""

    def told(names: list[str]) -> str:
        return " ".join(f"{name}={choices[name]}" for name in names)

    own = [name for name in choices if name in given]
    recipe = told([name for name in choices if name not in given])
    return f"given: {told(own)}; the recipe's: {recipe}" if own else f"the recipe's: {recipe}"


class TrainingLine:
    """How a training goes: the stage, the loss, the rate, pictures a second, the time left, the last validation loss."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage = ""
        self._begun = (0.0, 0.0)  # when the stage began, and its share then
        self._losses: deque[float] = deque(maxlen=_SMOOTHED)
        self._speeds: deque[float] = deque(maxlen=_SMOOTHED)
        self._validation: float | None = None

    def text(self, stage: str, share: float, figures: Mapping[str, float]) -> str:
        """The line after a step, or another part of a stage, of which `share` is done (0 to 1)."""
        name = stage.rstrip("0123456789 ")
        if name != self._stage:
            self._stage, self._begun = name, (self._clock(), share)
        words = [stage, *self._told(figures), self._left(share)]
        if "validation" in figures:
            self._validation = figures["validation"]
        if self._validation is not None:
            words.append(f"validation {self._validation:.4g}")
        return "  ".join(filter(None, words))

    def _told(self, figures: Mapping[str, float]) -> list[str]:
        words = []
        if "loss" in figures:
            self._losses.append(figures["loss"])
            words.append(f"loss {sum(self._losses) / len(self._losses):.4g}")
        else:
            words += [f"{name} {value:.4g}" for name, value in figures.items() if name not in NO_LOSSES]
        if LEARNING_RATE in figures:
            words.append(f"rate {figures[LEARNING_RATE]:.3g}")
        if PICTURES_PER_SECOND in figures:
            self._speeds.append(figures[PICTURES_PER_SECOND])
            # Of the time, not of the speeds: n pictures at each of them.
            mean = len(self._speeds) / sum(1 / max(speed, 1e-9) for speed in self._speeds)
            words.append(f"{mean:.3g} pictures/s")
        return words

    def _left(self, share: float) -> str:
        """The time that the stage still takes, such as "1:02:03 left"; "" before that can be told."""
        begun, before = self._begun
        if share <= before:
            return ""
        seconds = round((self._clock() - begun) * (1 - share) / (share - before))
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02} left" if hours else f"{minutes}:{seconds:02} left"


class PipedLine:
    """Through a pipe, where no bar can be drawn: how far it is, every so many seconds."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def tell(self, text: str, share: float) -> None:
        """Says it on stderr if that is no terminal and it is time again."""
        if not sys.stderr.isatty() and time.monotonic() - self._said >= _REPORT_SECONDS:
            self._said = time.monotonic()
            print(f"{100 * share:.1f} %  {text}", file=sys.stderr, flush=True)

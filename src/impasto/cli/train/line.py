"""Formats a training's options and progress as single lines of text."""

import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Any

from impasto.training.loop.figures import LEARNING_RATE, NO_LOSSES, PICTURES_PER_SECOND

_REPORT_SECONDS = 30.0
_SMOOTHED = 20  # steps over which loss and throughput are averaged: one step's loss depends mostly on its timesteps


def choices_line(choices: Mapping[str, Any], given: Collection[str]) -> str:
    """Formats all options as name=value; those `given` on the command line come first."""

    def told(names: list[str]) -> str:
        return " ".join(f"{name}={choices[name]}" for name in names)

    own = [name for name in choices if name in given]
    recipe = told([name for name in choices if name not in given])
    return f"given: {told(own)}; the recipe's: {recipe}" if own else f"the recipe's: {recipe}"


class TrainingLine:
    """Progress line of a training: stage, loss, learning rate, pictures per second, time left, last validation loss."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage = ""
        self._begun = (0.0, 0.0)  # when the stage began, and its share then
        self._losses: deque[float] = deque(maxlen=_SMOOTHED)
        self._speeds: deque[float] = deque(maxlen=_SMOOTHED)
        self._validation: float | None = None

    def text(self, stage: str, share: float, figures: Mapping[str, float]) -> str:
        """Returns the line after a step or another part of a stage; `share` of the stage is done (0 to 1)."""
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
            # The harmonic mean, because each step has the same number of pictures.
            mean = len(self._speeds) / sum(1 / max(speed, 1e-9) for speed in self._speeds)
            words.append(f"{mean:.3g} pictures/s")
        return words

    def _left(self, share: float) -> str:
        """The remaining time of the stage, such as "1:02:03 left"; "" if it cannot be estimated yet."""
        begun, before = self._begun
        if share <= before:
            return ""
        seconds = round((self._clock() - begun) * (1 - share) / (share - before))
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02} left" if hours else f"{minutes}:{seconds:02} left"


class PipedLine:
    """Prints the progress at regular intervals if stderr is a pipe, where no bar can be drawn."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def tell(self, text: str, share: float) -> None:
        """Prints the text on stderr if that is no terminal and the interval has passed."""
        if not sys.stderr.isatty() and time.monotonic() - self._said >= _REPORT_SECONDS:
            self._said = time.monotonic()
            print(f"{100 * share:.1f} %  {text}", file=sys.stderr, flush=True)

"""Computes what depends only on a step's number: progress, learning rate, batch (data order) and random seed."""

import hashlib
import math
import random
from dataclasses import dataclass

import numpy as np
import torch

from impasto.errors import ImpastoError, UsageError


@dataclass(frozen=True)
class Schedule:
    """The length of a run and its learning rate schedule. One of `minutes` and `steps` must be given.

    With `steps` the learning rate follows the step's number, and a killed and resumed run equals the undisturbed one bit
    for bit. With `minutes` it follows the time spent training, summed over all starts of the run.
    """

    minutes: float | None = None
    steps: int | None = None
    warmup_steps: int = 100
    final_rate: float = 0.02  # share of the learning rate left at the end
    # The progress at which the learning rate begins to fall. 0: half a cosine from the start; else a plateau, then a
    # straight line. A run with a plateau can be lengthened while it is on the plateau.
    decay_from: float = 0.0
    ema_decay: float = 0.9995
    # The average's half-life as a share of the steps made so far (Karras et al. 2022: 5 %); None for a fixed decay.
    ema_half_life: float | None = None
    save_seconds: float = 120.0
    save_steps: int | None = None
    keep_states: int = 1
    log_every: int = 20

    def __post_init__(self) -> None:
        if self.minutes is None and self.steps is None:
            raise UsageError("training needs --minutes or --steps")
        if self.minutes is not None and not (0 < self.minutes < math.inf):
            raise UsageError(f"--minutes must be a positive number, not {self.minutes}")
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"--steps must be at least 1, not {self.steps}")

    def progress(self, step: int, elapsed: float) -> float:
        """Returns the share of the run that is done, 0 to 1. `elapsed` is in seconds."""
        shares = []
        if self.steps is not None:
            shares.append(step / self.steps)
        elif self.minutes is not None:
            shares.append(elapsed / (60 * self.minutes))
        return min(1.0, max(shares))

    def is_over(self, step: int, elapsed: float, before: float) -> bool:
        """Returns whether the run is over.

        `before` is the time of earlier starts in seconds. It counts if both `steps` and `minutes` are given: each start
        then trains for at most `minutes`.
        """
        if self.steps is not None and self.minutes is not None and elapsed - before >= 60 * self.minutes:
            return True
        return self.progress(step, elapsed) >= 1

    def rate(self, step: int, progress: float) -> float:
        """Returns the learning rate factor: linear warm-up, then half a cosine, or a plateau and a line, to `final_rate`."""
        warmup = min(1.0, (step + 1) / max(1, self.warmup_steps))
        if self.decay_from:
            left = 1 - max(0.0, progress - self.decay_from) / max(1e-9, 1 - self.decay_from)
            return warmup * (self.final_rate + (1 - self.final_rate) * left)
        return warmup * (self.final_rate + (1 - self.final_rate) * 0.5 * (1 + math.cos(math.pi * progress)))


class ShuffledOrder:
    """The data order of `count` items: every epoch is a new permutation; step n needs no information on earlier steps."""

    def __init__(self, count: int, batch: int, seed: int) -> None:
        if count < 1:
            raise ImpastoError("nothing to train on: the catalogue holds no usable picture")
        self.count, self.batch, self.seed = count, batch, seed
        self._epoch = -1
        self._permutation = np.zeros(0, np.int64)

    def _permutation_of(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            self._epoch = epoch
            self._permutation = np.random.default_rng([self.seed, epoch]).permutation(self.count)
        return self._permutation

    def at(self, step: int, batch: int | None = None) -> np.ndarray:
        """Returns the item numbers, int64 [batch], of a step."""
        size = batch or self.batch
        parts, start, end = [], step * size, (step + 1) * size
        while start < end:
            epoch, place = divmod(start, self.count)
            taken = min(end - start, self.count - place)
            parts.append(self._permutation_of(epoch)[place : place + taken])
            start += taken
        return np.concatenate(parts).astype(np.int64)


def seed_step(seed: int, step: int) -> random.Random:
    """Seeds torch's generators from the run's seed and the step, and returns a Python generator seeded alike."""
    number = int.from_bytes(hashlib.sha256(f"{seed}/{step}".encode()).digest()[:8], "big")
    torch.manual_seed(number)
    return random.Random(number)

"""What a reproduction of wu2022 has found: the measures of every arm, the extended prompts, the retrainings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from impasto.evaluation.estimate import Measured
from impasto.reproduction.measures import Judge, Judged
from impasto.reproduction.pictures import PaintingSet
from impasto.reproduction.protocols import JOINT, NONE, TWO_STAGES
from impasto.reproduction.retrainings import TrainingFacts

# ("all", "initial", "extended N", or "figure-4 NAME"; arm) -> the set
Sets = dict[tuple[str, str], PaintingSet]
REAL = "real"  # training pictures, in place of an arm
ARM_WORDS = {NONE: "no retraining", JOINT: "joint only", TWO_STAGES: "two stages", REAL: "training pictures"}
FIGURE_4 = "figure-4"


@dataclass(frozen=True)
class Extended:
    """The arm "extension": the initial prompt and the extended ones, painted by one checkpoint.

    Attributes:
        arm: the arm whose checkpoint paints.
        texts: the initial prompt, then the extended prompts, best first.
        judged: the measures of each, in the same order; similarity is to the initial prompt.
        wanted: how many extended prompts were looked for.
    """

    arm: str
    texts: tuple[str, ...]
    judged: tuple[Mapping[str, Measured], ...]
    wanted: int


@dataclass(frozen=True)
class Findings:
    """The measured results of the reproduction.

    Attributes:
        judge: the extractor, probe and scorer of the measures.
        judged: arm, or `REAL` (training pictures) -> the measures.
        asked: the requested artist of each painting, in order.
        held_out, training: the numbers of real works for the comparison and for training.
        captioned: how many of those for training have a caption.
        loss: the original checkpoint's validation loss.
        facts: (arm, stage in words) -> the statistics of the training.
        extended: the arm "extension"; None without it.
        works: (artist, number of works in the catalogue), the most first.
    """

    judge: Judge
    judged: Mapping[str, Judged]
    asked: tuple[str, ...]
    held_out: int
    training: int
    captioned: int
    loss: float | None
    facts: Mapping[tuple[str, str], TrainingFacts] = field(default_factory=dict)
    extended: Extended | None = None
    works: tuple[tuple[str, int], ...] = ()

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that differ in the checkpoint, in order."""
        return tuple(arm for arm in self.judged if arm != REAL)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The pairs of arms that are compared: each with each later one."""
        return tuple((one, other) for n, one in enumerate(self.arms) for other in self.arms[n + 1 :])

    def change(self, pair: tuple[str, str]) -> dict[str, Measured]:
        """Returns the changes from the first arm to the second."""
        return self.judged[pair[0]].change_to(self.judged[pair[1]])

    def named(self) -> dict[str, dict[str, np.ndarray]]:
        """Returns artist -> arm -> 1 or 0 for each of the artist's paintings; empty without a probe."""
        asked = np.array(self.asked)
        if not len(self.judged[NONE].named):
            return {}
        return {
            name: {arm: self.judged[arm].named[asked == name] for arm in self.arms} for name in dict.fromkeys(self.asked)
        }

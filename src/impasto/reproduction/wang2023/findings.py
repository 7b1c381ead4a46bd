"""What a reproduction of wang2023 has found: the measures, the expanded prompts of Table 2, the data of Table 1."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from impasto.evaluation.estimate import Estimate, Measured
from impasto.painting.guidance.record import USUAL
from impasto.reproduction.annotated_catalogue import AnnotatedData
from impasto.reproduction.measures import Judge, Judged
from impasto.reproduction.pictures import PaintingSet
from impasto.reproduction.retrainings import TrainingFacts

CHECKPOINTS, PROMPTS = ("original", "retrained"), ("plain", "expanded")
CELLS = tuple((checkpoint, prompts) for checkpoint in CHECKPOINTS for prompts in PROMPTS)
FIGURES = "figures"  # prefix of the sets with the paper's prompts
# (artist of the texts, or "figures, NAME"; checkpoint; prompts) -> the set
Sets = dict[tuple[str, str, str], PaintingSet]


def named_with_seed(of: str, seed: int) -> str:
    """Returns the key of an artist's, or of all artists', retraining and paintings with seed `seed`, from 0 on."""
    return f"{of}, seed {seed}" if seed else of

# From one (checkpoint, prompts) to another.
Change = tuple[tuple[str, str], tuple[str, str]]


def by_retraining(prompts: str) -> Change:
    """The change from the original to the retrained checkpoint."""
    return (CHECKPOINTS[0], prompts), (CHECKPOINTS[1], prompts)


def by_expansion(checkpoint: str) -> Change:
    """The change from plain to expanded prompts."""
    return (checkpoint, PROMPTS[0]), (checkpoint, PROMPTS[1])


CHANGES = (*map(by_retraining, PROMPTS), *map(by_expansion, CHECKPOINTS))


def change_of(judged: Mapping[tuple[str, str, str], Judged], of: str, change: Change) -> dict[str, Measured]:
    """Returns by how much the measures of `of` grow by a change."""
    before, after = change
    return judged[of, *before].change_to(judged[of, *after])


@dataclass(frozen=True)
class Findings:
    """The measured results of the reproduction.

    Attributes:
        judge: the extractor, probe and scorer of the measures.
        judged: (artist or "all", checkpoint or "real", prompts or "") -> its measures; with the first seed.
        again: the same of the paintings with each further seed, where there are some.
        pooled: the same of the paintings with all seeds together, where there are several.
        held_out: the number of held-out works of each artist, and of "all" together.
        facts: artist -> (number of training pictures, statistics of the run, whether the run existed before).
        unexpanded: (number of measured prompts without an expansion, number of all measured prompts).
        late: how many of those without an expansion the time was up for.
        expanded: prompt of the figures -> its expansion with each seed; "" where none was found.
        data: what tagging, captioning and filtering did.
        paintings: number of paintings in each set that are measured.
        guiders: those of the retrained checkpoints' paintings.
    """

    judge: Judge
    judged: Mapping[tuple[str, str, str], Judged]
    held_out: Mapping[str, int]
    facts: Mapping[str, tuple[int, TrainingFacts, bool]]
    unexpanded: tuple[int, int]
    late: int
    expanded: Mapping[str, tuple[str, ...]]
    data: AnnotatedData
    paintings: int
    again: tuple[Mapping[tuple[str, str, str], Judged], ...] = ()
    pooled: Mapping[tuple[str, str, str], Judged] = field(default_factory=dict)
    guiders: tuple[str, ...] = (USUAL,)

    def measure(self, of: str, checkpoint: str, prompts: str, name: str) -> Measured | None:
        """Returns one measure; None if it was not computed."""
        return self.judged[of, checkpoint, prompts].measures.get(name)

    def retraining(self, of: str, prompts: str) -> dict[str, Measured]:
        """Returns the changes from the original to the retrained checkpoint."""
        return change_of(self.judged, of, by_retraining(prompts))

    def expansion(self, of: str, checkpoint: str) -> dict[str, Measured]:
        """Returns the changes from plain to expanded prompts."""
        return change_of(self.judged, of, by_expansion(checkpoint))

    def with_every_seed(self, of: str, change: "Change", name: str) -> list[Measured | None]:
        """Returns a measure's change (`by_retraining` or `by_expansion`) with each seed in turn."""
        return [change_of(judged, of, change).get(name) for judged in (self.judged, *self.again)]

    def below_floor(self, of: str) -> tuple[str, ...]:
        """Returns the sets of paintings, such as "retrained, plain", that are nearer than his training pictures are."""
        floor = self.measure(of, "real", "", "frechet")
        if not isinstance(floor, Estimate):
            return ()
        nearer = []
        for cell in CELLS:
            found = self.measure(of, *cell, "frechet")
            if isinstance(found, Estimate) and found.value < floor.value:
                nearer.append(f"{cell[0]}, {cell[1]}")
        return tuple(nearer)

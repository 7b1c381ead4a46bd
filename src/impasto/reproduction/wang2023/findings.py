"""What a reproduction of wang2023 has found: the measures, the expanded prompts of Table 2, the data of Table 1."""

from collections.abc import Mapping
from dataclasses import dataclass

from impasto.evaluation.estimate import Estimate, Measured
from impasto.reproduction.annotated_catalogue import AnnotatedData
from impasto.reproduction.measures import Judge, Judged
from impasto.reproduction.pictures import PaintingSet
from impasto.reproduction.retrainings import TrainingFacts

CHECKPOINTS, PROMPTS = ("original", "retrained"), ("plain", "expanded")
CELLS = tuple((checkpoint, prompts) for checkpoint in CHECKPOINTS for prompts in PROMPTS)
FIGURES = "figures"  # prefix of the sets with the paper's prompts
# (artist of the texts, or "figures, NAME"; checkpoint; prompts) -> the set
Sets = dict[tuple[str, str, str], PaintingSet]


@dataclass(frozen=True)
class Findings:
    """The measured results of the reproduction.

    Attributes:
        judge: the extractor, probe and scorer of the measures.
        judged: (artist or "all", checkpoint or "real", prompts or "") -> its measures.
        held_out: the number of held-out works of each artist, and of "all" together.
        facts: artist -> (number of training pictures, statistics of the run, whether the run existed before).
        unexpanded: (number of measured prompts without an expansion, number of all measured prompts).
        late: how many of those without an expansion the time was up for.
        expanded: prompt of the figures -> its expansion with each seed; "" where none was found.
        data: what tagging, captioning and filtering did.
        paintings: number of paintings in each set that are measured.
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

    def measure(self, of: str, checkpoint: str, prompts: str, name: str) -> Measured | None:
        """Returns one measure; None if it was not computed."""
        return self.judged[of, checkpoint, prompts].measures.get(name)

    def retraining(self, of: str, prompts: str) -> dict[str, Measured]:
        """Returns the changes from the original to the retrained checkpoint."""
        return self.judged[of, "original", prompts].change_to(self.judged[of, "retrained", prompts])

    def expansion(self, of: str, checkpoint: str) -> dict[str, Measured]:
        """Returns the changes from plain to expanded prompts."""
        return self.judged[of, checkpoint, "plain"].change_to(self.judged[of, checkpoint, "expanded"])

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

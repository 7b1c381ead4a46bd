"""The copy check in a painting's record (`impasto paint --avoid-copies`), and its reader for untrusted pictures."""

from dataclasses import dataclass
from typing import Any

from impasto.painting.foreign import RecordError
from impasto.painting.foreign.record import real_number

_MOST_SEEDS = 1000
_SEEDS = 2**63


@dataclass(frozen=True)
class CopyCheck:
    """The similarity of a painting to the training pictures that it was compared with.

    Attributes:
        index: identifies the training pictures and the feature models: `CopyJudge.identity`.
        threshold: it would have been rejected at this similarity or more.
        similarity: to the nearest of them, at most 1.
        refused_seeds: the seeds of earlier paintings of the same request that were rejected.
    """

    index: str
    threshold: float
    similarity: float
    refused_seeds: tuple[int, ...] = ()

    def __str__(self) -> str:
        refused = f", after seeds {', '.join(map(str, self.refused_seeds))}" if self.refused_seeds else ""
        return f"similarity {self.similarity:.3f} of at most {self.threshold:.3f} to training pictures{refused}"


def read_copy_check(value: Any) -> CopyCheck | None:
    """Reads the field `copy_check` of a record; None if the painting was not compared.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        index, seeds = value.get("index"), value.get("refused_seeds")
        threshold, similarity = (_number(value.get(name)) for name in ("threshold", "similarity"))
        named = index if isinstance(index, str) and index.isprintable() else None
        refused = seeds if isinstance(seeds, list) and len(seeds) <= _MOST_SEEDS and all(map(_is_seed, seeds)) else None
        if named is not None and refused is not None and threshold is not None and similarity is not None:
            return CopyCheck(named, threshold, similarity, tuple(refused))
    raise RecordError("its impasto record has no valid 'copy_check'")


def _number(value: Any) -> float | None:
    return None if isinstance(value, str) else real_number(value)


def _is_seed(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _SEEDS

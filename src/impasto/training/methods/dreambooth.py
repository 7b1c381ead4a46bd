"""DreamBooth (Ruiz et al. 2023): a subject's few pictures beside pictures of its class, which is not forgotten so."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.read import read_catalogue
from impasto.training.loop.steps import ShuffledOrder


def subject_entries(folder: Path) -> list[CatalogueEntry]:
    """All pictures of a folder: of so few none is held out.

    Raises:
        ImpastoError: there is none.
    """
    return read_catalogue(folder, check_images=False).entries


class PairedOrder:
    """The pictures of a step: `batch` of the subject, and behind each of them one of its class.

    An epoch is one of the subject's pictures. Both kinds are shuffled.
    """

    def __init__(self, subject: Sequence[int], classes: Sequence[int], batch: int, seed: int) -> None:
        """`subject`, `classes`: the numbers of these pictures in the training set."""
        self.count, self.batch = len(subject), batch
        self._kinds = [
            (np.array(numbers), ShuffledOrder(len(numbers), batch, seed)) for numbers in (subject, classes)
        ]

    def at(self, step: int) -> np.ndarray:
        """The numbers [2 * batch] of a step's pictures."""
        return np.stack([numbers[order.at(step)] for numbers, order in self._kinds], axis=1).ravel()


def prior_importance(pictures: int, classes: Sequence[int], weight: float) -> torch.Tensor:
    """How much each picture's error counts in the mean over a step of `PairedOrder`, float32 [pictures], so that it is
    L_subject + weight * L_prior (equation 2), each a mean of its own.
    """
    importance = torch.full((pictures,), 2.0)
    importance[list(classes)] = 2.0 * weight
    return importance

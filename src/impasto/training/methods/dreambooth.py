"""DreamBooth (Ruiz et al. 2023): data order and weights to train on a subject's few pictures with prior preservation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.read import read_catalogue
from impasto.training.loop.steps import ShuffledOrder


def subject_entries(folder: Path) -> list[CatalogueEntry]:
    """Returns all pictures of a folder; there are so few that none is held out.

    Raises:
        ImpastoError: there is no picture.
    """
    return read_catalogue(folder, check_images=False).entries


class PairedOrder:
    """The data order of DreamBooth: each step has `batch` pictures of the subject, each followed by one of its class.

    An epoch is one pass over the subject's pictures. Both kinds are shuffled.
    """

    def __init__(self, subject: Sequence[int], classes: Sequence[int], batch: int, seed: int) -> None:
        """Sets up the order. `subject` and `classes` are the numbers of these pictures in the training set."""
        self.count, self.batch = len(subject), batch
        self._kinds = [
            (np.array(numbers), ShuffledOrder(len(numbers), batch, seed)) for numbers in (subject, classes)
        ]

    def at(self, step: int) -> np.ndarray:
        """Returns the numbers [2 * batch] of a step's pictures."""
        return np.stack([numbers[order.at(step)] for numbers, order in self._kinds], axis=1).ravel()


def prior_importance(pictures: int, classes: Sequence[int], weight: float) -> torch.Tensor:
    """Returns the weight of each picture's error in the mean over a step of `PairedOrder`, float32 [pictures].

    With these weights the mean is L_subject + weight * L_prior (equation 2), each a mean of its own.
    """
    importance = torch.full((pictures,), 2.0)
    importance[list(classes)] = 2.0 * weight
    return importance

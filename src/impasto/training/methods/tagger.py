"""The training task of the pocket tagger: learns tag probabilities from image features with the labels of `tag_labels`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from impasto.errors import ImpastoError
from impasto.training.examples.tag_labels import TagLabels
from impasto.training.loop.steps import ShuffledOrder
from impasto.vision.taggers.pocket import TaggerConfig, TagHead

# The lowest threshold of a tag: below it a tag would be wrong nineteen times in twenty.
_LEAST = 0.05


@dataclass(frozen=True)
class TaggerChoices:
    """The options of the tagger's training; the values were chosen by measurement on held-out paintings (model card)."""

    config: TaggerConfig = field(default_factory=TaggerConfig)
    batch: int = 512
    learning_rate: float = 1e-3
    weight_decay: float = 0.3
    dropout: float = 0.6


class TaggerTask:
    """Trains a `TagHead`."""

    averaged: Sequence[str] = ("head",)

    def __init__(self, features: np.ndarray, labels: TagLabels, choices: TaggerChoices, *, seed: int) -> None:
        """Sets up the task with the `features` [n, 1280] and the `labels` of the same pictures.

        Raises:
            ImpastoError: no picture has a known title or genre.
        """
        known = np.isfinite(labels.probabilities).all(axis=1)
        if not known.any():
            raise ImpastoError("nothing to train on: no picture has a title or a genre")
        torch.manual_seed(seed)
        self.features = torch.from_numpy(features[known])
        self.labels = torch.from_numpy(labels.probabilities[known])
        self.head = TagHead(choices.config, self.labels.shape[1], choices.dropout)
        self.head.measure(self.features)
        with torch.no_grad():
            self.head.outer.bias.copy_(torch.logit(torch.from_numpy(labels.shares).float()))
            self.head.outer.weight.mul_(0.3)
        self.models: dict[str, nn.Module] = {"head": self.head}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "head": torch.optim.AdamW(
                self.head.parameters(), lr=choices.learning_rate, weight_decay=choices.weight_decay
            )
        }
        self.order = ShuffledOrder(len(self.features), min(choices.batch, len(self.features)), seed)

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Runs one step on one batch."""
        del progress
        places = torch.from_numpy(self.order.at(step))
        logits = self.head.train()(self.features[places])
        loss = F.binary_cross_entropy_with_logits(logits, self.labels[places], reduction="sum") / len(places)
        self.optimizers["head"].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers["head"].step()
        return {"loss": loss.item()}


@torch.inference_mode()
def calibrate(head: TagHead, features: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Shifts the head's biases so that each tag's mean probability is its share; returns the thresholds, float32 [tags].

    A picture gets a tag if its probability reaches the threshold, which happens in as many pictures as expected. `features`:
    [n, 1280]; `shares`: [tags], 0..1.
    """
    logits = head.eval()(torch.from_numpy(features)).double()
    wanted = torch.from_numpy(shares) * len(features)
    offsets = torch.zeros_like(wanted)
    for _ in range(40):  # Newton's method, for each offset alone
        p = (logits + offsets).sigmoid()
        offsets += ((wanted - p.sum(dim=0)) / (p * (1 - p)).sum(dim=0).clamp(min=0.1)).clamp(-1, 1)
    head.outer.bias.add_(offsets.float())
    p = (logits + offsets).sigmoid().numpy()
    at = [np.quantile(of_tag, 1 - share) for of_tag, share in zip(p.T, shares, strict=True)]
    return np.maximum(np.array(at, np.float32), _LEAST)


def areas_under_curves(scores: np.ndarray, named: np.ndarray, *, at_least: int = 4) -> dict[int, float]:
    """Returns the area under the ROC curve, 0..1, of each tag that at least `at_least` pictures' titles name.

    It is how often such a picture scores above another. `scores` [n, tags]; `named` bool [n, tags]. Titles leave out most of
    what is visible, so 1 cannot be reached.
    """
    found = {}
    for tag in np.flatnonzero(named.sum(axis=0) >= at_least).tolist():
        own = named[:, tag]
        if own.all():
            continue
        ranks = scores[:, tag].argsort(kind="stable").argsort(kind="stable")
        count = own.sum()
        found[tag] = float((ranks[own].sum() - count * (count - 1) / 2) / (count * (~own).sum()))
    return found

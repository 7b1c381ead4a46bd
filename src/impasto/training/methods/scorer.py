"""The training task of the pocket scorer: a contrastive loss between pictures and texts, and a loss on tag probabilities.

The contrastive loss distinguishes a pair from all other pairs of a batch (InfoNCE, as CLIP: Radford et al. 2021, figure 3);
equal texts ("landscape") count as one. In addition, each tag's probability is learned from soft labels (`tag_labels`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from impasto.training.loop.steps import ShuffledOrder
from impasto.vision.scorers.pocket import Projections, ScorerConfig


@dataclass(frozen=True)
class ScorerChoices:
    """The options of the scorer's training; the values were chosen by measurement on 500 held-out paintings (model card)."""

    width: int = 256
    hidden: int = 512
    side: int = 192
    dropout: float = 0.3
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    batch: int = 1024
    tag_weight: float = 0.1


@dataclass(frozen=True)
class ScorerData:
    """The training pairs of pictures and texts.

    Attributes:
        features: features of the pictures, float32 [n, 1280].
        texts: sentence vectors of all texts, float32 [m, 384].
        texts_of: for each picture the numbers of its texts in `texts`; one is drawn each time.
        tags: sentence vectors of the vocabulary, float32 [t, 384].
        labels: P(tag | picture), float32 [n, t]; a row of NaN if nothing is known.
    """

    features: np.ndarray
    texts: np.ndarray
    texts_of: Sequence[Sequence[int]]
    tags: np.ndarray
    labels: np.ndarray


class Calibration(nn.Module):
    """Trained parameters: the scale of the contrastive loss, and the slope and offsets of the tags' logits."""

    def __init__(self, shares: torch.Tensor, slope: float = 7.4) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(1 / 0.07).log())
        self.log_slope = nn.Parameter(torch.tensor(slope).log())
        self.offsets = nn.Parameter(torch.logit(shares.clamp(1e-5, 0.99)))

    def logits(self, images: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        """Returns the tags' logits [n, t] from unit vectors [n, width] and [t, width]."""
        return self.log_slope.exp() * (images @ tags.T) + self.offsets


class TextImageTask:
    """Trains `Projections` and a `Calibration`."""

    averaged: Sequence[str] = ("projections", "calibration")

    def __init__(self, data: ScorerData, choices: ScorerChoices, *, seed: int) -> None:
        torch.manual_seed(seed)
        self.data, self.choices = data, choices
        self.features = torch.from_numpy(data.features)
        self.texts, self.tags = torch.from_numpy(data.texts), torch.from_numpy(data.tags)
        self.labels = torch.from_numpy(data.labels)
        self.labelled = ~self.labels.isnan().any(dim=1)
        self.projections = Projections(ScorerConfig(choices.width, choices.hidden, choices.side), choices.dropout)
        self.projections.image.measure(self.features)
        self.projections.text.measure(self.texts)
        shares = self.labels[self.labelled].mean(dim=0) if self.labelled.any() else torch.full((len(self.tags),), 0.01)
        self.calibration = Calibration(shares)
        self.models: dict[str, nn.Module] = {"projections": self.projections, "calibration": self.calibration}
        weights = [p for p in self.projections.parameters() if p.ndim > 1]
        others = [p for model in self.models.values() for p in model.parameters() if p.ndim < 2]
        groups = [{"params": weights, "weight_decay": choices.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimizers: dict[str, torch.optim.Optimizer] = {"all": torch.optim.AdamW(groups, lr=choices.learning_rate)}
        self.order = ShuffledOrder(len(self.features), min(choices.batch, len(self.features)), seed)

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Runs one step on one batch."""
        del progress
        places = torch.from_numpy(self.order.at(step))
        self.projections.train()
        texts = torch.tensor([self._text_of(place) for place in places.tolist()])
        images, words = self.projections.image(self.features[places]), self.projections.text(self.texts[texts])
        products = self.calibration.log_scale.exp().clamp(max=100) * (words @ images.T)
        same = (texts[:, None] == texts[None]).float()
        targets = same / same.sum(dim=1, keepdim=True)
        pairs = (F.cross_entropy(products, targets) + F.cross_entropy(products.T, targets)) / 2
        known = self.labelled[places]
        logits = self.calibration.logits(images[known], self.projections.text(self.tags))
        tags = F.binary_cross_entropy_with_logits(logits, self.labels[places][known], reduction="sum")
        tags = tags / max(1, int(known.sum()))
        loss = pairs + self.choices.tag_weight * tags
        optimizer = self.optimizers["all"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return {"pairs": pairs.item(), "tags": tags.item()}

    def _text_of(self, place: int) -> int:
        texts = self.data.texts_of[place]
        return texts[int(torch.randint(len(texts), ()))]

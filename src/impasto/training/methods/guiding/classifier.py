"""The training task of a classifier of noised latents (Dhariwal and Nichol 2021, section 4.1 and appendix H)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from impasto.adapters.latent_classifier.network import LatentClassifier
from impasto.errors import UsageError
from impasto.training.examples.training_set import TrainingSet
from impasto.training.loop.steps import ShuffledOrder
from impasto.training.losses.diffusion import DiffusionLoss, Noise


@dataclass(frozen=True)
class ClassifierChoices:
    """The options of the classifier's training. The paper's learning rate is 3e-4, and its weight decay 0.05.

    Attributes:
        widths: channels of its levels.
        fewest: pictures that a label needs; pictures of rarer labels are left out.
    """

    widths: tuple[int, ...] = (64, 128, 192)
    dropout: float = 0.1
    learning_rate: float = 3e-4
    weight_decay: float = 0.05
    batch: int = 64
    fewest: int = 10

    def __post_init__(self) -> None:
        """Raises UsageError if a value is invalid."""
        if self.batch < 1 or self.fewest < 1:
            raise UsageError("batch and fewest: use 1 or more")
        if not 0 < self.learning_rate <= 1:
            raise UsageError(f"learning rate {self.learning_rate:g}: use a number above 0, to 1")


class ClassifierTask:
    """Trains a `LatentClassifier` by cross entropy on latents with the noise of random timesteps."""

    averaged: Sequence[str] = ("classifier",)

    def __init__(
        self, data: TrainingSet, labels: np.ndarray, count: int, scheduler_config: dict[str, object],
        choices: ClassifierChoices, device: torch.device, *, seed: int,
    ) -> None:  # fmt: skip
        """Makes an untrained classifier.

        Args:
            data: the pictures.
            labels: of each, its number, int64 [n].
            count: of labels.
            scheduler_config: the checkpoint's.
        """
        torch.manual_seed(seed)
        self.data, self.labels, self.choices, self._device = data, torch.from_numpy(labels), choices, device
        self.loss = DiffusionLoss(dict(scheduler_config), snr_gamma=None)
        channels = int(data.mean[0].shape[0])
        self.classifier = LatentClassifier(channels, count, choices.widths, choices.dropout).to(device)
        self.models: dict[str, nn.Module] = {"classifier": self.classifier}
        adam = torch.optim.AdamW(
            self.classifier.parameters(), lr=choices.learning_rate, weight_decay=choices.weight_decay
        )
        self.optimizers: dict[str, torch.optim.Optimizer] = {"all": adam}
        self.order = ShuffledOrder(len(labels), min(choices.batch, len(labels)), seed)

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Runs one step on one batch; half of its pictures are mirrored."""
        del progress
        self.classifier.train()
        numbers = self.order.at(step)
        mean, deviation = (torch.from_numpy(values) for values in self.data.posteriors(numbers))
        latents = mean + deviation * torch.randn(mean.shape)
        mirrored = torch.rand(len(latents)) < 0.5
        latents[mirrored] = latents[mirrored].flip(3)
        drawn = self.loss.draw(latents.shape)
        logits, labels = self._logits(self.classifier, latents, drawn), self.labels[numbers].to(self._device)
        loss = F.cross_entropy(logits, labels)
        optimizer = self.optimizers["all"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.classifier.parameters(), 1.0)
        optimizer.step()
        return {"loss": loss.item(), "right": float((logits.argmax(dim=1) == labels).float().mean())}

    @torch.inference_mode()
    def accuracy(self, model: nn.Module, data: TrainingSet, labels: np.ndarray, share: float) -> float:
        """Returns the share of pictures that are recognised with the noise of one level, `share` 0 (clean) to 1 (noise)."""
        levels = int(self.loss.scheduler.config.num_train_timesteps)
        right, generator = 0, torch.Generator().manual_seed(0)
        for start in range(0, len(labels), self.choices.batch):
            numbers = np.arange(start, min(start + self.choices.batch, len(labels)))
            latents = torch.from_numpy(data.posteriors(numbers)[0])
            times = torch.full((len(numbers),), round(share * (levels - 1)))
            drawn = Noise(torch.randn(latents.shape, generator=generator), times)
            made = self._logits(model, latents, drawn).argmax(dim=1).cpu()
            right += int((made == torch.from_numpy(labels[numbers])).sum())
        return right / len(labels)

    def _logits(self, model: nn.Module, latents: torch.Tensor, drawn: Noise) -> torch.Tensor:
        return model(self.loss.noised(latents, drawn).to(self._device), drawn.times.to(self._device))

"""Creates pocket's optimizers: AdamW for all weights, or Muon for the matrices inside the U-Net and AdamW for the rest."""

from collections.abc import Mapping

import torch
from torch import nn

from impasto.training.pocket.choices import PocketChoices

_MUON_RATE = 20  # Muon's steps are of unit spectral norm: its learning rate as a multiple of AdamW's


class FlatMuon(torch.optim.Muon):
    """torch's Muon (Jordan et al. 2024), also for convolutions: it treats their kernels as matrices [out, in * h * w]."""

    def __init__(self, weights: list[nn.Parameter], lr: float, weight_decay: float) -> None:
        self._weights = weights
        flat = [nn.Parameter(weight.data.flatten(1)) for weight in weights]  # the same memory
        super().__init__(flat, lr=lr, weight_decay=weight_decay, momentum=0.95)
        self._flat = flat

    def step(self, closure=None):
        for weight, flat in zip(self._weights, self._flat, strict=True):
            if flat.data_ptr() != weight.data_ptr():
                raise RuntimeError("a weight has been moved since its optimizer was made")
            flat.grad = None if weight.grad is None else weight.grad.flatten(1)
        return super().step(closure)

    def zero_grad(self, set_to_none: bool = True) -> None:
        for weight in self._weights:
            weight.grad = None
        super().zero_grad(set_to_none)


def make_optimizers(models: Mapping[str, nn.Module], choices: PocketChoices) -> dict[str, torch.optim.Optimizer]:
    """Returns the optimizers of all trained weights in `models`, by name; the learning rate is given for a batch of 64."""
    rate = choices.learning_rate * (choices.batch / 64) ** 0.5
    trained = [p for model in models.values() for p in model.parameters() if p.requires_grad]
    inner: list[nn.Parameter] = []
    if choices.optimizer == "muon":
        edges = ("conv_in", "conv_out", "time_embedding", "add_embedding")
        inner = [
            weight
            for name, weight in models["unet"].named_parameters()
            if weight.ndim >= 2 and not name.startswith(edges) and weight.is_contiguous()
        ]
    chosen = {id(weight) for weight in inner}
    others = [p for p in trained if id(p) not in chosen]
    made: dict[str, torch.optim.Optimizer] = {
        "adamw": torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=choices.weight_decay, fused=True)
    }
    if inner:
        made["muon"] = FlatMuon(inner, _MUON_RATE * rate, choices.weight_decay)
    return made

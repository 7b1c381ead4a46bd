"""The training task of DiffusionCLIP (Kim et al. 2022): a U-Net learns to paint pictures anew in the direction of two texts.

Each picture is inverted by DDIM to a noise level t_0 once. The fine-tuned U-Net paints it again from there in a few steps,
and learns from

    L_direction(x^_0(theta^), y_tar; x_0, y_ref) + L_id(x^_0(theta^), x_0)

where L_direction is equation 9 of the survey (`impasto.vision.losses.directional`) and L_id the mean absolute difference.
The paper tunes all weights; here a LoRA is tuned, so that the result is an adapter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from impasto.checkpoints.components import Components
from impasto.errors import UsageError
from impasto.training.loop.steps import ShuffledOrder
from impasto.training.losses.ddim import DdimSteps
from impasto.vision.cutouts import resized
from impasto.vision.losses import directional, identity
from impasto.vision.scorers.interface import DifferentiableScorer

_ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]


@dataclass(frozen=True)
class DiffusionClipChoices:
    """The options; those of the authors' program are t_0 500 of 1000, 40 and 6 steps, weights 3 and 1, 50 pictures.

    Attributes:
        share: t_0 as a share of the noise levels, 0 .. 1: how far pictures may change.
        inversion_steps, steps: of DDIM, to the noise and back; the loss goes back through all of the latter.
        direction_weight, identity_weight: of the two losses.
        pictures: how many of the catalogue's are used.
        learning_rate: of the LoRA; the authors' 8e-6 is for all weights.
    """

    share: float = 0.5
    inversion_steps: int = 40
    steps: int = 6
    direction_weight: float = 3.0
    identity_weight: float = 1.0
    pictures: int = 50
    batch: int = 1
    learning_rate: float = 2e-4
    lora_rank: int = 8

    def __post_init__(self) -> None:
        """Raises UsageError if a value is invalid."""
        if not 0 < self.share <= 1:
            raise UsageError(f"share {self.share:g}: use a number above 0, to 1")
        for name in ("inversion_steps", "steps", "pictures", "batch", "lora_rank"):
            if not 1 <= getattr(self, name) <= 1000:
                raise UsageError(f"{name.replace('_', '-')} {getattr(self, name)}: use 1 to 1000")
        for name in ("direction_weight", "identity_weight"):
            if not 0 <= getattr(self, name) <= 1000:
                raise UsageError(f"{name.replace('_', '-')} {getattr(self, name):g}: use 0 to 1000")
        if not 0 < self.learning_rate <= 1:
            raise UsageError(f"learning rate {self.learning_rate:g}: use a number above 0, to 1")


class DiffusionClipTask:
    """Trains a LoRA of the U-Net. The pictures are inverted when the task is made."""

    averaged: Sequence[str] = ()

    def __init__(
        self,
        components: Components,
        latents: torch.Tensor,
        states: torch.Tensor,
        scorer: DifferentiableScorer,
        texts: tuple[str, str],
        choices: DiffusionClipChoices,
        *,
        seed: int,
        on_inverted: Callable[[int, int], None] = lambda done, of: None,
    ) -> None:
        """Adds the LoRA, and inverts the pictures.

        Args:
            latents: of the pictures, clean, in the U-Net's scale, [n, C, h, w].
            states: of the pictures' own texts, [n, tokens, width].
            texts: source and target.
            on_inverted: called with (pictures done, all).
        """
        from peft import LoraConfig

        self.choices, self._scorer, self._parts = choices, scorer, components
        self._ddim = DdimSteps(components.scheduler_config)
        unet: Any = components.unet
        self._unet, self._vae = unet, components.vae
        for part in (unet, components.vae, components.text_encoder):
            nn.Module.requires_grad_(part, False)
        torch.manual_seed(seed)
        unet.add_adapter(LoraConfig(r=choices.lora_rank, lora_alpha=choices.lora_rank, target_modules=_ATTENTION))
        self.models: dict[str, nn.Module] = {"unet": unet}
        trained = [weight for weight in unet.parameters() if weight.requires_grad]
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "all": torch.optim.AdamW(trained, lr=choices.learning_rate, weight_decay=0.0)
        }
        self.order = ShuffledOrder(len(latents), min(choices.batch, len(latents)), seed)
        self._states = states.to(unet.device)
        source, target = (torch.from_numpy(scorer.embed_texts([text])) for text in texts)
        self._source, self._target = source, target
        noisy, before, vectors = [], [], []
        for number, one in enumerate(latents.to(unet.device).split(1), start=1):
            noisy.append(self._inverted(one, self._states[number - 1 : number]))
            with torch.no_grad():
                before.append(self.decode(one))
                vectors.append(scorer.embed_pixels(resized(before[-1] / 2 + 0.5, scorer.side)).cpu())
            on_inverted(number, len(latents))
        self._noisy, self._before, self._vectors = torch.cat(noisy), torch.cat(before), torch.cat(vectors)

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Paints one batch again and runs one step of the optimizer."""
        del progress
        numbers = torch.from_numpy(self.order.at(step))
        direction, kept = self._losses(numbers)
        loss = self.choices.direction_weight * direction + self.choices.identity_weight * kept
        optimizer = self.optimizers["all"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
        optimizer.step()
        return {"direction": direction.item(), "identity": kept.item()}

    @torch.no_grad()
    def figures(self) -> dict[str, float]:
        """Returns the mean directional similarity S_dir = 1 - L_direction and the mean L_id over all pictures."""
        found = [self._losses(torch.tensor([number])) for number in range(len(self._noisy))]
        return {
            "directional_similarity": round(1 - sum(float(one) for one, _ in found) / len(found), 4),
            "identity": round(sum(float(one) for _, one in found) / len(found), 4),
        }

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Decodes latents [n, C, h, w] in the U-Net's scale to pictures in about -1 .. 1, with gradients."""
        config: Any = self._vae.config
        return self._vae.decode(latents / config.scaling_factor + (config.shift_factor or 0.0), return_dict=False)[0]

    def _losses(self, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        pixels = self.decode(self._painted(self._noisy[numbers], self._states[numbers]))
        seen = self._scorer.embed_pixels(resized(pixels / 2 + 0.5, self._scorer.side))
        direction = directional(seen, self._vectors[numbers].to(seen), self._target.to(seen), self._source.to(seen)).mean()
        return direction.to(pixels.device), identity(pixels, self._before[numbers]).mean()

    def _painted(self, noisy: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        """Returns clean latents by DDIM from t_0, with gradients."""
        levels = self._ddim.levels(self.choices.share, self.choices.steps)
        for start, end in zip(levels[:0:-1], levels[-2::-1], strict=True):
            noisy = self._ddim.move(noisy, self._answer(noisy, start, states), start, end, start)
        return noisy

    @torch.no_grad()
    def _inverted(self, latents: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        """Returns latents at t_0 by DDIM inversion with the checkpoint's own U-Net."""
        levels = self._ddim.levels(self.choices.share, self.choices.inversion_steps)
        self._unet.disable_adapters()
        try:
            for start, end in pairwise(levels):
                latents = self._ddim.move(latents, self._answer(latents, end, states), start, end, end)
        finally:
            self._unet.enable_adapters()
        return latents

    def _answer(self, latents: torch.Tensor, level: int, states: torch.Tensor) -> torch.Tensor:
        return self._unet(latents, torch.tensor(level, device=latents.device), states, return_dict=False)[0].float()

"""The options of training a ControlNet, in a module of their own, so that the command line can read them without torch."""

from dataclasses import dataclass
from typing import Literal

from impasto.errors import UsageError
from impasto.training.methods.fine_tuning_choices import FineTuning, choice

# Choices of a retraining that do not apply here: the U-Net is frozen, and the network beside it has no LoRA.
WITHOUT = ("trained", "fresh_text_encoder", "lora_rank", "aspect_buckets", "keep_best", "works", "domain_guidance")


@dataclass(frozen=True)
class ControlChoices(FineTuning):
    """The choices of training a ControlNet (Zhang et al. 2023). Changing a choice in `WITHOUT` raises UsageError.

    The paper's learning rate is 1e-5, for Stable Diffusion; small U-Nets ignore the map at that rate.
    """

    layers: Literal["all", "light", "convolutions"] = choice(
        "all", "What is trained: all; light: convolutions only, the rest stays the U-Net's, and the file is smaller; or "
        "convolutions: as light, and the network has no attention at all: half the work."
    )
    redrawn: float = choice(0.0, "Share of maps that are redrawn as by hand: bent, thicker, strokes left out; for edges.")
    consistency: float = choice(
        0.0, "Weight of how badly the map is read from what is about to be painted (ControlNet++); for edges and strokes."
    )
    epochs: float = choice(20.0, "Passes over the pictures, where neither steps nor minutes are given.")
    batch: int = choice(16, "Pictures a step, of all processes and accumulated parts together.")
    learning_rate: float = choice(1e-4, "AdamW's.")
    warmup_steps: int = choice(100, "Steps over which the learning rate rises from 0.")
    ema_decay: float = choice(0.999, "Of the averaged weights that are kept; 0: the last weights.")
    text_dropout: float = choice(0.5, "Share of pictures that are learned without a text: the map must say more then.")

    def __post_init__(self) -> None:
        """Raises UsageError if a value is invalid."""
        super().__post_init__()
        if self.layers not in ("all", "light", "convolutions"):
            raise UsageError(f"layers {self.layers!r}: use all, light or convolutions")
        if not 0 <= self.redrawn <= 1:
            raise UsageError(f"redrawn {self.redrawn:g}: use 0 to 1")
        if not 0 <= self.consistency < float("inf"):
            raise UsageError(f"consistency {self.consistency:g}: use 0 or more")
        for name in WITHOUT:
            if getattr(self, name) != ControlChoices.__dataclass_fields__[name].default:
                raise UsageError(f"{name} has no meaning for a ControlNet: leave it out")

"""The options of training on instructions, in a module of their own: the command line reads them without torch."""

from dataclasses import dataclass

from impasto.errors import UsageError
from impasto.training.methods.fine_tuning_choices import FineTuning, choice

# Choices of a retraining that do not apply here: the U-Net is trained whole, and which conditions are left out is
# `condition_dropout`.
WITHOUT = (
    "trained", "fresh_text_encoder", "lora_rank", "aspect_buckets", "keep_best", "text_dropout", "works", "domain_guidance",
)  # fmt: skip


@dataclass(frozen=True)
class InstructChoices(FineTuning):
    """The choices of training on instructions (Brooks et al. 2023). Changing a choice in `WITHOUT` raises UsageError.

    The paper's learning rate is 1e-4, and the share of left-out conditions 5 %.
    """

    condition_dropout: float = choice(
        0.05, "Share of examples without their instruction, without their picture, and without both, each."
    )
    epochs: float = choice(100.0, "Passes over the pairs, where neither steps nor minutes are given.")
    batch: int = choice(16, "Pairs a step, of all processes and accumulated parts together.")
    learning_rate: float = choice(1e-4, "AdamW's.")
    warmup_steps: int = choice(100, "Steps over which the learning rate rises from 0.")
    ema_decay: float = choice(0.999, "Of the averaged weights that are kept; 0: the last weights.")

    def __post_init__(self) -> None:
        """Raises UsageError if a value is invalid."""
        super().__post_init__()
        if not 0 <= self.condition_dropout <= 0.3:
            raise UsageError(f"condition_dropout {self.condition_dropout:g}: use 0 to 0.3; three times as much is left out")
        for name in WITHOUT:
            if getattr(self, name) != InstructChoices.__dataclass_fields__[name].default:
                raise UsageError(f"{name} has no meaning for instructions: leave it out")

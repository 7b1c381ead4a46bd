"""The options of a distillation, in a module of their own, so that the command line can read them without torch."""

from dataclasses import dataclass
from typing import Literal

from impasto.errors import UsageError
from impasto.training.methods.fine_tuning_choices import FineTuning, choice

# Choices of a retraining that do not apply here: the student is a LoRA of the U-Net and has a loss of its own.
WITHOUT = (
    "trained", "snr_gamma", "noise_offset", "timestep_bias", "text_dropout", "validation_every",
    "validation_pictures", "keep_best", "domain_guidance",
)  # fmt: skip
MOST_STEPS = 50


@dataclass(frozen=True)
class Distillation(FineTuning):
    """The choices of latent consistency distillation (Luo et al. 2023, "Latent Consistency Models" and "LCM-LoRA").

    The defaults are for pocket and keep its LoRA below 6 MB. Changing a choice in `WITHOUT` raises UsageError.
    """

    lora_rank: int = choice(24, "Of the student's LoRA.")
    layers: Literal["all", "attention"] = choice("all", "What the LoRA changes: all layers of the U-Net, or attention.")
    guidance: float = choice(4.0, "Of the teacher; the student learns to paint so without guidance.")
    leap: int = choice(0, "Noise levels the teacher covers (k of Luo et al. 2023); 0: from a level to the student's next.")
    teacher_steps: int = choice(4, "Guided steps in which the teacher covers them; one in Luo et al. 2023.")
    huber: float = choice(0.001, "Below this difference the loss is a square, above it nearly the difference itself.")
    epochs: float = choice(2.0, "Passes over the pictures, where neither updates nor minutes are given.")
    batch: int = choice(8, "Pictures an update, of all processes and accumulated parts together.")
    learning_rate: float = choice(1e-3, "AdamW's.")
    warmup_steps: int = choice(50, "Updates over which the learning rate rises from 0.")
    final_rate: float = choice(0.05, "Share of the learning rate left at the end of a cosine; 1: it stays.")
    ema_decay: float = choice(0.95, "Of the averaged weights that the LoRA gets; 0: the last weights.")
    # The student paints in so few steps that it should have seen texts as painting pads them.
    text_padding: str = choice("full", "What texts are padded to: full, as in painting; batch, mostly to the longest.")
    text_dropout: float = 0.0

    @property
    def other_passes(self) -> int:
        """Passes through the U-Net besides the trained one: two for each guided step of the teacher, one for the target."""
        return (1 if self.guidance == 1 else 2) * self.teacher_steps + 1

    def __post_init__(self) -> None:
        """Raises UsageError if a value is invalid."""
        super().__post_init__()
        if self.lora_rank < 1:
            raise UsageError(f"lora_rank {self.lora_rank}: use 1 or more")
        if self.layers not in ("all", "attention"):
            raise UsageError(f"layers {self.layers!r}: use all or attention")
        if not 1 <= self.guidance <= 50:
            raise UsageError(f"guidance {self.guidance:g}: use 1 to 50")
        if self.leap < 0:
            raise UsageError(f"leap {self.leap}: use 0 or more")
        if self.teacher_steps < 1:
            raise UsageError(f"teacher_steps {self.teacher_steps}: use 1 or more")
        if not 0 < self.huber < float("inf"):
            raise UsageError(f"huber {self.huber:g}: use more than 0")
        for name in WITHOUT:
            if getattr(self, name) != Distillation.__dataclass_fields__[name].default:
                raise UsageError(f"{name} has no meaning for a distillation: leave it out")


def check_steps(steps: int) -> int:
    """Returns `steps`, the steps of a student, if it is a number of steps that the sampler `lcm` can take.

    Raises:
        UsageError: it is not.
    """
    if not 1 <= steps <= MOST_STEPS:
        raise UsageError(
            f"steps {steps}: a student paints in 1 to {MOST_STEPS}; --updates and --minutes say how long it trains"
        )
    return steps

"""The options of fine-tuning a checkpoint, in a module of their own so that the command line can read them without torch."""

from dataclasses import dataclass, field
from typing import Any, Literal

from impasto.errors import UsageError

OPTIMIZERS = ("adamw", "adamw-8bit", "prodigy", "schedule-free")
TEXT_PADDINGS = ("auto", "full", "batch")
LEAST_FACTOR = 0.01  # smallest factor of Prodigy's own rate; a rate for AdamW, given by mistake, is below it


def choice(default: Any, meaning: str) -> Any:
    """Returns a dataclass field with its default and its help text for the command line."""
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class FineTuning:
    """The options of fine-tuning a checkpoint, each with its meaning.

    The defaults are those of diffusers' `train_text_to_image.py` where it has them.
    """

    trained: Literal["unet", "text-encoder", "both"] = choice("unet", "What changes: unet, text-encoder or both.")
    fresh_text_encoder: bool = choice(False, "Begin with an untrained text encoder of the same shape.")
    lora_rank: int = choice(0, "0 trains the weights themselves, more a LoRA of this rank; U-Net only.")
    epochs: float = choice(50.0, "Passes over the pictures, where neither steps nor minutes are given.")
    batch: int = choice(1, "Pictures a step, of all processes and accumulated parts together.")
    accumulation: int = choice(1, "Parts that a process's share of the batch goes through the model in.")
    optimizer: str = choice("adamw", "adamw, adamw-8bit, prodigy or schedule-free.")
    learning_rate: float = choice(1e-5, "The optimizer's; prodigy finds its own, and takes this times it: 1 is usual.")
    warmup_steps: int = choice(0, "Steps over which the learning rate rises from 0.")
    final_rate: float = choice(1.0, "Share of the learning rate left at the end of a cosine; 1: it stays.")
    weight_decay: float = choice(0.01, "The optimizer's.")
    gradient_norm: float = choice(1.0, "Gradients are scaled down to this norm at most.")
    ema_decay: float = choice(0.0, "Of the averaged weights that the checkpoint gets; 0: the last weights.")
    precision: str = choice(
        "fp32",
        "fp32, or bf16 or fp16 for all but the weights (mixed precision); auto: bf16 where the machine has units for it.",
    )
    snr_gamma: float = choice(0.0, "Min-SNR's gamma (Hang et al. 2023); 0: all timesteps count alike.")
    noise_offset: float = choice(0.0, "Deviation of a constant in each channel's noise.")
    timestep_bias: float = choice(1.0, "How many times as often the noisiest quarter of timesteps is drawn as another.")
    text_padding: str = choice(
        "auto", "What texts are padded to: full, as in painting; batch, mostly to the longest of the batch; auto: as the "
        "checkpoint's own training."
    )
    text_dropout: float = choice(0.1, "Share of pictures that are learned without a text.")
    works: bool = choice(
        True, "Show works of the checkpoint's memory, if it has one, beside the texts, and add the new pictures to it."
    )
    domain_guidance: bool = choice(
        True, "Keep the original U-Net as guide, and paint by Domain Guidance by default; not for a LoRA or a text encoder."
    )
    gradient_checkpointing: bool = choice(False, "Compute activations twice and keep none: less memory, more time.")
    aspect_buckets: bool = choice(False, "Pictures keep their shape; each batch has one of several, of about size x size.")
    size: int = choice(0, "Pixels of a side; 0: the checkpoint's own.")
    validation_every: int = choice(0, "Steps from one validation to the next; 0: only at the end.")
    validation_pictures: int = choice(4, "Pictures painted at each validation; 0: none.")
    keep_states: int = choice(1, "The newest states that are kept.")
    keep_best: bool = choice(False, "The checkpoint gets the weights of the lowest validation loss, not the last.")

    def __post_init__(self) -> None:
        """Raises UsageError if a value is invalid."""
        for name in ("batch", "accumulation", "keep_states"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} {getattr(self, name)}: use 1 or more")
        for name in ("epochs", "learning_rate", "gradient_norm", "timestep_bias"):
            if not 0 < getattr(self, name) < float("inf"):
                raise UsageError(f"{name} {getattr(self, name):g}: use more than 0")
        for name in ("final_rate", "text_dropout", "ema_decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} {getattr(self, name):g}: use 0 to 1")
        for name in (
            "lora_rank", "warmup_steps", "weight_decay", "snr_gamma", "noise_offset", "size", "validation_every",
            "validation_pictures",
        ):  # fmt: skip
            if not 0 <= getattr(self, name) < float("inf"):
                raise UsageError(f"{name} {getattr(self, name):g}: use 0 or more")
        if self.batch % self.accumulation:
            raise UsageError(f"a batch of {self.batch} cannot go in {self.accumulation} equal parts")
        if self.trained not in ("unet", "text-encoder", "both"):
            raise UsageError(f"trained {self.trained!r}: use unet, text-encoder or both")
        if self.fresh_text_encoder and self.trained == "unet":
            raise UsageError("an untrained text encoder must be trained: use text-encoder or both, not unet")
        if self.precision not in ("auto", "fp32", "bf16", "fp16"):
            raise UsageError(f"precision {self.precision!r}: use auto, fp32, bf16 or fp16")
        if self.text_padding not in TEXT_PADDINGS:
            raise UsageError(f"text_padding {self.text_padding!r}: use {', '.join(TEXT_PADDINGS)}")
        if self.optimizer not in OPTIMIZERS:
            raise UsageError(f"optimizer {self.optimizer!r}: use {', '.join(OPTIMIZERS)}")
        if self.optimizer == "prodigy" and self.learning_rate < LEAST_FACTOR:
            raise UsageError(
                f"learning_rate {self.learning_rate:g}: prodigy finds the rate, and this is a factor of it; 1 is usual"
            )
        if self.optimizer == "schedule-free" and self.ema_decay:
            raise UsageError(f"ema_decay {self.ema_decay:g}: schedule-free averages the weights by itself; use 0")
        if self.lora_rank and self.trained != "unet":
            raise UsageError("a LoRA is trained on the U-Net alone: leave out lora_rank, or train unet")

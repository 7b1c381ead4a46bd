"""Default options of personalisation: a LoRA, DreamBooth (Ruiz et al. 2023) and textual inversion (Gal et al. 2022).

They are in a module of their own, so that the command line can read them without torch. The options for Stable Diffusion v1
are the usual ones of diffusers' examples. Those for pocket, whose U-Net is sixty times smaller (14 million weights), were
found by experiments on it (docs/training.md).
"""

from dataclasses import dataclass
from typing import Literal

from impasto.checkpoints.size import is_small
from impasto.training.methods.fine_tuning_choices import FineTuning

ConceptKind = Literal["object", "style"]


@dataclass(frozen=True)
class Personal:
    """The options and the number of training steps: the steps needed do not grow with the number of pictures."""

    choices: FineTuning
    steps: int


LORA = Personal(FineTuning(lora_rank=4, batch=1, learning_rate=1e-4, precision="fp16"), 1500)
LORA_POCKET = Personal(
    FineTuning(
        lora_rank=4, batch=16, learning_rate=5e-3, warmup_steps=10, final_rate=0.1, snr_gamma=5.0, precision="auto"
    ),
    150,
)

DREAMBOOTH = Personal(FineTuning(batch=1, learning_rate=5e-6, text_dropout=0.0, precision="fp16"), 800)
DREAMBOOTH_POCKET = Personal(
    FineTuning(batch=4, learning_rate=2e-4, text_dropout=0.0, warmup_steps=20, snr_gamma=5.0, precision="auto"), 150
)
# A LoRA's weights begin at 0 and need larger steps than existing weights.
DREAMBOOTH_LORA_RATE, DREAMBOOTH_LORA_RATE_POCKET = 1e-4, 2e-3

TEXTUAL_INVERSION = Personal(
    FineTuning(trained="text-encoder", batch=4, learning_rate=2e-3, weight_decay=0.0, text_dropout=0.0, precision="fp16"),
    3000,
)
TEXTUAL_INVERSION_POCKET = Personal(
    FineTuning(
        trained="text-encoder", batch=8, learning_rate=5e-3, weight_decay=0.0, text_dropout=0.0, warmup_steps=10,
        final_rate=0.1, snr_gamma=5.0, precision="auto",
    ),
    100,
)  # fmt: skip


def lora(side: int | None) -> Personal:
    """Returns the options of a LoRA for a checkpoint that paints `side` px."""
    return LORA_POCKET if is_small(side) else LORA


def dreambooth(side: int | None) -> Personal:
    """Returns the options of DreamBooth for a checkpoint that paints `side` px."""
    return DREAMBOOTH_POCKET if is_small(side) else DREAMBOOTH


def dreambooth_lora_rate(side: int | None) -> float:
    """Returns the learning rate for DreamBooth with a LoRA."""
    return DREAMBOOTH_LORA_RATE_POCKET if is_small(side) else DREAMBOOTH_LORA_RATE


def textual_inversion(side: int | None) -> Personal:
    """Returns the options of textual inversion for a checkpoint that paints `side` px."""
    return TEXTUAL_INVERSION_POCKET if is_small(side) else TEXTUAL_INVERSION

"""wang2023's recipe: a checkpoint retrained on the works of one artist (section 4.2)."""

from impasto.training.fine_tuning_choices import FineTuning

# Section 4.2: batch 1, learning rate 1e-5, 50 epochs, 512 x 512, 16- and 32-bit mixed precision, no averaging.
WANG2023_ARTIST = FineTuning(batch=1, learning_rate=1e-5, epochs=50, precision="fp16", size=512)

# The same for pocket, whose U-Net of 25 million weights on latents of 16 x 16 wants larger steps.
WANG2023_ARTIST_POCKET = FineTuning(
    batch=16, learning_rate=1e-4, epochs=50, warmup_steps=50, final_rate=0.05, ema_decay=0.99, snr_gamma=5.0
)
_SMALL = 256  # pixels of a side: checkpoints of pocket's size


def wang2023_artist(side: int | None) -> FineTuning:
    """The recipe for a checkpoint that paints `side` px: the paper's, or pocket's for a small one."""
    return WANG2023_ARTIST_POCKET if side is not None and side <= _SMALL else WANG2023_ARTIST

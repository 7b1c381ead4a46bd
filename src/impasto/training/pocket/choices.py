"""The options of pocket's denoiser: network shape, losses, conditioning (texts and works) and learning rate."""

from dataclasses import dataclass, field
from typing import Literal

from impasto.checkpoints.memory import MemoryConfig
from impasto.training.methods.denoiser import DenoiserChoices


@dataclass(frozen=True)
class PocketChoices:
    """The options of the denoiser's training.

    Defaults are for one process and a batch of 64; `learning_rate` grows with the square root of the batch.

    Attributes:
        short_tokens, long_share: texts are padded to `short_tokens`; in `long_share` of the batches to the encoder's full
            length.
        text_variants: number of short texts of each picture, encoded beforehand.
        memory_shares: pairs of a number of nearest works shown to the U-Net, and how often.
        own_share: how often the picture's own code comes first among them, which teaches variation.
        by_text_share: how often they are the works that the picture's text finds, as in painting.
        memory_noise: deviation of the noise added to a code, so that the code does not identify a single picture.
        silent_share, silent_alone_share: how often the text is empty with works, and without works.
        alignment_until: the share of the run in which hidden maps are aligned with a classifier's (REPA).
        small_until: the share of the run in which latents of half the side are learned; 0 for none.
        small_batch: pictures a step in that part.
        compiled: whether the U-Net's step is compiled.
    """

    unet: DenoiserChoices = field(
        default_factory=lambda: DenoiserChoices(block_out_channels=(96, 192, 256), batch=64, learning_rate=4e-4)
    )
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    batch: int = 64
    learning_rate: float = 5e-4
    weight_decay: float = 0.01
    optimizer: Literal["adamw", "muon"] = "adamw"
    dropout: float = 0.0
    short_tokens: int = 24
    long_share: float = 0.1
    text_variants: int = 6
    memory_shares: tuple[tuple[int, float], ...] = ((0, 0.2), (1, 0.3), (2, 0.1), (4, 0.35), (8, 0.05))
    neighbours: int = 16
    own_share: float = 0.5
    by_text_share: float = 0.5
    memory_noise: float = 0.3
    silent_share: float = 0.1
    silent_alone_share: float = 0.2
    alignment_weight: float = 0.4
    alignment_until: float = 0.33
    time_focus: float = 0.0  # mean of the logit-normal; 0 is the middle of the timesteps
    time_deviation: float = 1.0
    time_uniform: float = 0.1  # share of the timesteps that is uniform
    small_until: float = 0.0
    small_batch: int = 128
    compiled: bool = False
    log_every: int = 20

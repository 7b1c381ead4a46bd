"""The recipe of wang2023: options to retrain a checkpoint on the works of one artist (section 4.2), and the nine artists."""

from dataclasses import dataclass

from impasto.checkpoints.size import is_small
from impasto.training.methods.fine_tuning_choices import FineTuning

# Section 4.2: batch 1, learning rate 1e-5, 50 epochs, 512 x 512, 16- and 32-bit mixed precision. The paper names nothing
# else. Ours are therefore: AdamW without averaged weights; a tenth of the pictures without their text, as Stable Diffusion
# v1-5 was trained (its model card), because guidance needs the unguided prediction; and gradients clipped to a norm of 1, as
# in diffusers' example of such a retraining. Stable Diffusion's own training does not clip.
WANG2023_ARTIST = FineTuning(batch=1, learning_rate=1e-5, epochs=50, precision="fp16", size=512)

# For pocket, whose U-Net of 14 million weights on latents of 16 x 16 needs larger steps. Rate, batch, epochs, warm-up, decay
# and averaging are ours, by experiment. Min-SNR's weights for
# v-prediction would leave next to nothing to the noisy timesteps, where layout and colours are decided. Three times the
# rate, or no text dropout, gives glaring pictures under guidance, because the unguided prediction lags behind.
WANG2023_ARTIST_POCKET = FineTuning(
    batch=16, learning_rate=1.5e-4, epochs=25, warmup_steps=50, final_rate=0.05, ema_decay=0.99, precision="auto"
)


def wang2023_artist(side: int | None) -> FineTuning:
    """Returns the recipe for a checkpoint that paints `side` px: the paper's, or pocket's for a small one."""
    return WANG2023_ARTIST_POCKET if is_small(side) else WANG2023_ARTIST


@dataclass(frozen=True)
class Master:
    """An artist of the protocol.

    Attributes:
        name: the name as in catalogues.
        reason: why this artist was chosen: named in the paper, or which artist it replaces and why.
    """

    name: str
    reason: str


_UNNAMED = "the paper's text leaves the name to Table 1, of which there is only the caption; "

# "Retrained on all paintings of 9 artists" (section 4.2), each by itself. All nine have been dead for 70 years and more.
WANG2023_MASTERS = (
    Master("Vincent van Gogh", "the paper's"),
    Master("Leonardo da Vinci", "the paper's"),
    Master("Paul Cézanne", "for Pablo Picasso, who died in 1973 and is not public domain: cubism begins with him"),
    Master("Claude Monet", _UNNAMED + "impressionism, landscapes"),
    Master("Rembrandt", _UNNAMED + "baroque, portraits in the dark"),
    Master("Nicholas Roerich", _UNNAMED + "symbolism, mountains; the second most works in WikiArt (wu2022, section 4)"),
    Master("Pierre-Auguste Renoir", _UNNAMED + "impressionism, people; the third most works in WikiArt"),
    Master("Albrecht Dürer", _UNNAMED + "the northern Renaissance, drawn with lines"),
    Master("Francisco Goya", _UNNAMED + "romanticism"),
)

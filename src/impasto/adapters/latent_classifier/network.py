"""A classifier of noised latents (Dhariwal and Nichol 2021): which artist or style a picture is of, at any noise level.

The paper takes the encoder of the U-Net with an attention pooling. Here it is a small one of diffusers' own residual blocks,
with the mean and the largest value over all places, so that it takes latents of any size.
"""

from collections.abc import Sequence

import torch
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.resnet import ResnetBlock2D
from torch import nn

_GROUPS, _TIMES = 8, 64


class LatentClassifier(nn.Module):
    """Logits of labels from noised latents.

    Attributes:
        widths: channels of each level; the map is halved between levels.
    """

    def __init__(self, channels: int, labels: int, widths: Sequence[int] = (64, 128, 192), dropout: float = 0.1) -> None:
        """Makes an untrained classifier of latents with so many channels."""
        super().__init__()
        self.widths = tuple(widths)
        time = 4 * widths[0]
        self.times = Timesteps(_TIMES, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time = TimestepEmbedding(_TIMES, time)
        self.begin = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.blocks, self.halved = nn.ModuleList(), nn.ModuleList()
        before = widths[0]
        for number, width in enumerate(widths):
            self.blocks.append(
                ResnetBlock2D(
                    in_channels=before, out_channels=width, temb_channels=time, groups=_GROUPS, dropout=dropout, eps=1e-5
                )
            )
            last = number == len(widths) - 1
            self.halved.append(nn.Identity() if last else nn.Conv2d(width, width, 3, stride=2, padding=1))
            before = width
        self.norm = nn.LayerNorm(2 * before)
        self.head = nn.Linear(2 * before, labels)

    def forward(self, latents: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """Returns logits [n, labels].

        Args:
            latents: x_t of the variance-preserving process, [n, channels, h, w], h and w 4 or more.
            times: timesteps, [n].
        """
        told = self.time(self.times(times).to(latents.dtype))
        x = self.begin(latents)
        for block, halve in zip(self.blocks, self.halved, strict=True):
            x = halve(block(x, told))
        return self.head(self.norm(torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)))

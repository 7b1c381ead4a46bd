"""Converts an autoencoder with f = 8 to an initial one with f = 16: the same latents, pictures twice as large.

The encoder's first level begins as the f = 8 encoder's first convolution on a picture halved by 2x2 means, as nearly as its
kernels allow. The decoder's last level begins as an interpolation. All other levels are copied. The result is a plain
`AutoencoderKL`, so a U-Net trained on 16x16 latents of pictures of 128 px paints 256 px with it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn
from torch.nn import functional as F

from impasto.errors import UsageError
from impasto.training.methods.autoencoder import decode, posterior_of, to_tensor

_SAMPLES = 20_000  # patches of the pictures that the kernels are fitted to
_RIDGE = 1e-4
_REACH = 5  # pixels across that two 3x3 convolutions, the second of stride 2, see
_CORNERS = ((0, 0), (0, 2), (2, 0), (2, 2))


def halved(pictures: torch.Tensor) -> torch.Tensor:
    """Halves pictures [n, 3, h, w] by 2x2 means: [n, 3, h / 2, w / 2]."""
    return F.avg_pool2d(pictures, 2)


@torch.no_grad()
def double_autoencoder(small: AutoencoderKL, squares: np.ndarray) -> AutoencoderKL:
    """Makes the autoencoder for pictures of twice the size; it begins with `small`'s latents and its pictures, interpolated.

    Args:
        small: an autoencoder with four-fold or more reduction, of any number of levels; it is not changed.
        squares: uint8 [n, s, s, 3] of the larger size, to fit kernels to; 16 or more are enough.

    Raises:
        UsageError: its finest level has under 12 channels, which the first kernels need.
    """
    widths: tuple[int, ...] = tuple(small.config["block_out_channels"])
    if widths[0] < 3 * len(_CORNERS):
        raise UsageError(f"an autoencoder whose finest level has {widths[0]} channels cannot be doubled: it needs 12")
    large = with_levels(
        small,
        block_out_channels=(widths[0], *widths),
        down_block_types=("DownEncoderBlock2D", *small.config["down_block_types"]),
        up_block_types=(*small.config["up_block_types"], "UpDecoderBlock2D"),
        sample_size=2 * small.config["sample_size"],
    )
    pictures = to_tensor(squares)
    _begin_encoder(large.encoder, small.encoder, pictures)
    _begin_decoder(large, small, pictures)
    return large


def with_levels(autoencoder: AutoencoderKL, **changes: Any) -> AutoencoderKL:
    """Returns an untrained autoencoder with these changes of the config and the same convolutions around the latents."""
    config: dict[str, Any] = {name: value for name, value in autoencoder.config.items() if not name.startswith("_")}
    build: Any = AutoencoderKL  # diffusers types its tuples as tuples of one
    made: AutoencoderKL = build(**{**config, **changes}).eval()
    for name in ("quant_conv", "post_quant_conv"):
        part = getattr(autoencoder, name)
        if part is not None:
            getattr(made, name).load_state_dict(part.state_dict())
    return made


def _begin_encoder(large: Any, small: Any, pictures: torch.Tensor) -> None:
    for mine, theirs in zip(large.down_blocks[1:], small.down_blocks, strict=True):
        mine.load_state_dict(theirs.state_dict())
    for name in ("mid_block", "conv_norm_out", "conv_out"):
        getattr(large, name).load_state_dict(getattr(small, name).state_dict())
    for resnet in large.down_blocks[0].resnets:
        _silence(resnet)
    kernel = _fitted_kernel(small.conv_in.weight, pictures)  # [out, 3, 5, 5], from one pixel above and left of the 2x2 block
    first, second = large.conv_in, large.down_blocks[0].downsamplers[0].conv
    # Four channels per colour hold the pixels at a window's corners; their 3x3 neighbours contain all 5x5 pixels.
    first.bias.zero_()
    first.weight[: 3 * len(_CORNERS)] = 0
    for number, (y, x) in enumerate(_CORNERS):
        for colour in range(3):
            first.weight[3 * number + colour, colour, y, x] = 1
    second.weight.zero_()
    second.bias.copy_(small.conv_in.bias)
    for y in range(_REACH):
        for x in range(_REACH):
            # Pixels 0 and 1 come from the channel with the previous pixel, 2 to 4 from the channel with the next pixel.
            corner = 2 * (y >= 2) + (x >= 2)
            there = (y - 2 if y >= 2 else y), (x - 2 if x >= 2 else x)
            for colour in range(3):
                second.weight[:, 3 * corner + colour, there[0], there[1]] = kernel[:, colour, y, x]


def _fitted_kernel(weight: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """Fits the 5x5 kernel of stride 2 nearest to `weight` [out, 3, 3, 3] after 2x2 means, on these pictures: [out, 3, 5, 5].

    The exact kernel would need 6x6 pixels. The first row and column of them are out of reach and are approximated from their
    neighbours.
    """
    whole = weight.repeat_interleave(2, 2).repeat_interleave(2, 3) / 4  # [out, 3, 6, 6]
    draw = torch.Generator().manual_seed(0)
    side = _REACH + 1
    count = -(-_SAMPLES // len(pictures))
    rows, columns = (
        torch.randint(0, pictures.shape[axis] - side + 1, (len(pictures), count), generator=draw) for axis in (2, 3)
    )
    patches = torch.stack(
        [
            picture[:, y : y + side, x : x + side]
            for picture, ys, xs in zip(pictures, rows.tolist(), columns.tolist(), strict=True)
            for y, x in zip(ys, xs, strict=True)
        ]
    ).double()
    seen, wanted = patches[:, :, 1:, 1:].flatten(1), patches.flatten(1) @ whole.flatten(1).double().T
    normal = seen.T @ seen
    normal += _RIDGE * normal.diagonal().mean() * torch.eye(len(normal), dtype=normal.dtype)
    found = torch.linalg.solve(normal, seen.T @ wanted)  # [75, out]
    return found.T.reshape(-1, 3, _REACH, _REACH).to(weight.dtype)


def _begin_decoder(large: AutoencoderKL, small: AutoencoderKL, pictures: torch.Tensor) -> None:
    mine: Any = large.decoder
    theirs: Any = small.decoder
    for name in ("conv_in", "mid_block", "conv_norm_out"):
        getattr(mine, name).load_state_dict(getattr(theirs, name).state_dict())
    for ours, block in zip(mine.up_blocks[:-1], theirs.up_blocks, strict=True):
        ours.load_state_dict(block.state_dict(), strict=ours.upsamplers is None or block.upsamplers is not None)
    upsampler = mine.up_blocks[-2].upsamplers[0].conv
    smooth = torch.tensor([1.0, 2.0, 1.0]) / 4
    nn.init.zeros_(upsampler.weight)
    nn.init.zeros_(upsampler.bias)
    for channel in range(upsampler.out_channels):
        upsampler.weight[channel, channel] = smooth[:, None] * smooth[None, :]
    for resnet in mine.up_blocks[-1].resnets:
        _silence(resnet)
    _fit_conv_out(large, small, pictures)


def _fit_conv_out(large: AutoencoderKL, small: AutoencoderKL, pictures: torch.Tensor) -> None:
    """Fits the last convolution to the present features by least squares; the target is the small decoder's pictures."""
    decoder: Any = large.decoder
    kept: list[torch.Tensor] = []
    hook = decoder.conv_out.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))

    def pairs() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for picture in pictures[:32].split(1):
            latents = posterior_of(small, halved(picture)).mean
            wanted = interpolated(small, latents)
            decode(large, latents)
            yield kept.pop(), wanted

    fit_convolution(decoder.conv_out, pairs())
    hook.remove()


@torch.no_grad()
def fit_convolution(out: nn.Conv2d, pairs: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """Fits a 3x3 convolution with padding 1 by least squares to pairs of input [1, in, h, w] and output [1, out, h, w]."""
    normal = torch.zeros((9 * out.in_channels + 1,) * 2, dtype=torch.float64)
    product = torch.zeros((len(normal), out.out_channels), dtype=torch.float64)
    for given, wanted in pairs:
        seen = F.unfold(given, 3, padding=1)[0].T.double()
        seen = torch.cat([seen, torch.ones_like(seen[:, :1])], 1)
        normal += seen.T @ seen
        product += seen.T @ wanted[0].flatten(1).T.double()
    normal += _RIDGE * normal.diagonal().mean() * torch.eye(len(normal), dtype=normal.dtype)
    found = torch.linalg.solve(normal, product)
    out.weight.copy_(found[:-1].T.reshape(out.weight.shape))
    assert out.bias is not None
    out.bias.copy_(found[-1])


def _silence(resnet: Any) -> None:
    nn.init.zeros_(resnet.conv2.weight)
    nn.init.zeros_(resnet.conv2.bias)


def interpolated(small: AutoencoderKL, latents: torch.Tensor) -> torch.Tensor:
    """Returns what `small` decodes, enlarged twice by bicubic interpolation: [n, 3, 2 h, 2 w]."""
    return F.interpolate(decode(small, latents), scale_factor=2, mode="bicubic")

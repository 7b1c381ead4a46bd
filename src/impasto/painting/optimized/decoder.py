"""The decoder of diffusers' AutoencoderKL, optimized for fp32 inference on a CPU."""

from typing import Any

import torch
from torch import nn

from impasto.painting.optimized.layers import (
    FoldedUpsample,
    NormalizedSilu,
    PackedConvolution,
    Residual,
    require,
)


class OptimizedDecoder:
    """Decodes latents [n, C, h, w], scaled as the VAE expects them, to pictures [n, 3, fh, fw] in about -1 .. 1.

    Raises:
        NotOptimizable: the VAE has layers that this package does not implement; run diffusers' own decoder instead.
    """

    def __init__(self, vae: Any) -> None:
        decoder = vae.decoder
        require(type(vae).__name__ == "AutoencoderKL" and not vae.use_tiling, "autoencoder")
        require(isinstance(decoder.conv_act, nn.SiLU), "decoder")
        require(type(decoder.mid_block).__name__ == "UNetMidBlock2D", "middle block")
        self._into = [] if vae.post_quant_conv is None else [PackedConvolution(vae.post_quant_conv)]
        self._into.append(PackedConvolution(decoder.conv_in))
        first, *rest = map(Residual, decoder.mid_block.resnets)
        # Attention is only one layer of many, so diffusers' own module runs it.
        attentions = decoder.mid_block.attentions or [None] * len(rest)
        self._layers: list[Any] = [first]
        for attention, residual in zip(attentions, rest, strict=True):
            self._layers += [residual] if attention is None else [_channels_last(attention), residual]
        for block in decoder.up_blocks:
            require(type(block).__name__ == "UpDecoderBlock2D", type(block).__name__)
            self._layers += map(Residual, block.resnets)
            self._layers += map(FoldedUpsample, block.upsamplers or [])
        self._norm_out, self._conv_out = NormalizedSilu(decoder.conv_norm_out), PackedConvolution(decoder.conv_out)

    def __call__(self, latents: torch.Tensor) -> torch.Tensor:
        x = latents.contiguous(memory_format=torch.channels_last)
        for layer in (*self._into, *self._layers):
            x = layer(x)
        return self._conv_out(self._norm_out(x))


def _channels_last(attention: Any) -> Any:
    return lambda x: attention(x).contiguous(memory_format=torch.channels_last)

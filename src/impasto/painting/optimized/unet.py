"""diffusers' UNet2DConditionModel, optimized for fp32 inference on a CPU.

Work that need not be repeated in each step is done once: `tell` computes the keys and values of the texts. All projections
of the time embedding are one matrix product. Under guidance, the layers before the first cross-attention to the text give
the same result for both halves of the batch, so they are computed for one of them. (Where the text is added to the time
embedding, as in the pocket checkpoint, that is the first convolution only.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from impasto.painting.engines.conditioned import Residuals
from impasto.painting.optimized.layers import (
    FoldedUpsample,
    NormalizedSilu,
    PackedConvolution,
    Residual,
    require,
)

# Keys and values [n, heads, tokens, width] of one cross-attention to the text, for each set of text states.
Told = list[tuple[torch.Tensor, torch.Tensor]]
# Keys and values of every cross-attention to the text, in the order of the layers.
TextMemory = list[Told]


class SelfAttention:
    """Self-attention over a picture's positions; one matrix product gives queries, keys and values."""

    def __init__(self, attention: Any) -> None:
        _check_attention(attention)
        self._heads = attention.heads
        self._weight = torch.cat([part.weight.detach() for part in (attention.to_q, attention.to_k, attention.to_v)])
        self._out = attention.to_out[0]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """x [n, positions, C] -> the same shape."""
        n, positions, _ = x.shape
        projected = F.linear(x, self._weight).view(n, positions, 3, self._heads, -1)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        return _attend(query, key, value, self._out)


class TextAttention:
    """Cross-attention of a picture's positions to the text, whose keys and values `tell` has computed."""

    def __init__(self, attention: Any) -> None:
        _check_attention(attention)
        require(not attention.norm_cross, "normalized text states")
        self._heads = attention.heads
        self._attention = attention

    def memory(self, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the keys and values, [n, heads, tokens, width] each, of text states [n, tokens, C]."""
        parts = (self._attention.to_k(states), self._attention.to_v(states))
        key, value = (part.view(*part.shape[:2], self._heads, -1).transpose(1, 2) for part in parts)
        return key.contiguous(), value.contiguous()

    def __call__(self, x: torch.Tensor, told: Told) -> torch.Tensor:
        query = self._attention.to_q(x)
        query = query.view(*query.shape[:2], self._heads, -1).transpose(1, 2)
        out = self._attention.to_out[0]
        if len(told) == 1:
            return _attend(query, *told[0], out)
        # Sets with different numbers of tokens: only the attention itself runs once for each set.
        parts = query.split([len(key) for key, _ in told])
        mixed = [F.scaled_dot_product_attention(part, *pair) for part, pair in zip(parts, told, strict=True)]
        return out(torch.cat(mixed).transpose(1, 2).reshape(*x.shape[:2], -1))


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, out: nn.Linear) -> torch.Tensor:
    mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2)
    return out(mixed.reshape(*mixed.shape[:2], -1))


def _check_attention(attention: Any) -> None:
    linear = (attention.to_q, attention.to_k, attention.to_v, attention.to_out[0])
    require(all(type(part) is nn.Linear for part in linear), "attention")  # an adapter's layers are not nn.Linear
    require(attention.to_q.bias is None and attention.to_v.bias is None, "attention with bias")
    require(attention.norm_q is None and attention.norm_k is None, "normalized queries")
    require(attention.spatial_norm is None and attention.group_norm is None, "normalized attention")
    require(not attention.residual_connection and attention.rescale_output_factor == 1.0, "attention")
    require(type(attention.processor).__name__ == "AttnProcessor2_0", "attention processor")


class TransformerBlock:
    """Self-attention, cross-attention to the text and a gated feed-forward layer, each with a residual connection."""

    def __init__(self, block: Any) -> None:
        require(type(block).__name__ == "BasicTransformerBlock", "transformer block")
        require(block.norm_type == "layer_norm" and block.pos_embed is None, "transformer block")
        require(not block.only_cross_attention and block.attn2 is not None, "transformer block")
        require(getattr(block, "fuser", None) is None and block._chunk_size is None, "transformer block")
        gate, _, out = block.ff.net
        require(type(gate).__name__ == "GEGLU" and type(out) is nn.Linear, "feed-forward")
        require(type(gate.proj) is nn.Linear, "feed-forward")
        self._norms = (block.norm1, block.norm2, block.norm3)
        require(all(type(norm) is nn.LayerNorm for norm in self._norms), "transformer norm")
        self._itself, self.text = SelfAttention(block.attn1), TextAttention(block.attn2)
        # Each half of the layer is a matrix product of its own, so that both results are contiguous.
        self._inner, self._gate = zip(gate.proj.weight.detach().chunk(2), gate.proj.bias.detach().chunk(2), strict=True)
        self._out = out

    def __call__(self, x: torch.Tensor, memory: Told) -> torch.Tensor:
        """x [n, positions, C] -> the same shape."""
        x = x + self._itself(self._norms[0](x))
        x += self.text(self._norms[1](x), memory)
        seen = self._norms[2](x)
        gated = F.gelu(F.linear(seen, *self._gate))
        x += self._out(gated.mul_(F.linear(seen, *self._inner)))
        return x


class Transformer:
    """diffusers' Transformer2DModel: transformer blocks over a picture's positions."""

    def __init__(self, model: Any) -> None:
        require(type(model).__name__ == "Transformer2DModel" and model.is_input_continuous, "transformer")
        require(model.config.norm_type == "layer_norm" and type(model.norm) is nn.GroupNorm, "transformer")
        self._norm = model.norm
        # A 1x1 convolution is a linear layer over channels-last positions.
        self._into, self._out_of = _as_linear(model.proj_in), _as_linear(model.proj_out)
        self.blocks = [TransformerBlock(block) for block in model.transformer_blocks]

    def __call__(self, x: torch.Tensor, memories: TextMemory) -> torch.Tensor:
        """x [n, C, h, w] -> the same shape; `memories` holds one entry for each block."""
        n, channels, height, width = x.shape
        norm = self._norm
        inner = F.group_norm(x, norm.num_groups, norm.weight, norm.bias, norm.eps)
        inner = F.linear(inner.permute(0, 2, 3, 1).reshape(n, height * width, channels), *self._into)
        for block, memory in zip(self.blocks, memories, strict=True):
            inner = block(inner, memory)
        inner = F.linear(inner, *self._out_of).view(n, height, width, channels)
        return inner.permute(0, 3, 1, 2) + x


def _as_linear(layer: Any) -> tuple[torch.Tensor, torch.Tensor]:
    require(type(layer) in (nn.Linear, nn.Conv2d), "projection")
    return layer.weight.detach().flatten(1), layer.bias.detach()


@dataclass
class Stage:
    """One resolution of the down path, the middle or the up path: pairs of a residual block and a transformer."""

    pairs: list[tuple[Residual, Transformer | None]]
    resample: PackedConvolution | FoldedUpsample | None

    @property
    def attends(self) -> bool:
        """Whether it attends to the text."""
        return self.pairs[0][1] is not None


class OptimizedUNet:
    """A U-Net of residual and transformer blocks, as in Stable Diffusion v1 and the pocket checkpoint.

    Raises:
        NotOptimizable: the model has other layers; run diffusers' own U-Net instead.
    """

    def __init__(self, unet: Any) -> None:
        config = unet.config
        for name in ("class_embedding", "encoder_hid_proj", "time_embed_act"):
            require(getattr(unet, name, None) is None, name)
        require(config.addition_embed_type in (None, "text"), "added embedding")
        require(not config.center_input_sample and unet.time_embedding.post_act is None, "input")
        require(unet.time_embedding.cond_proj is None and isinstance(unet.conv_act, nn.SiLU), "output")
        self._unet = unet
        self._conv_in, self._conv_out = PackedConvolution(unet.conv_in), PackedConvolution(unet.conv_out)
        self._norm_out = NormalizedSilu(unet.conv_norm_out)
        self._down = [_stage(block, "DownBlock2D", "downsamplers") for block in unet.down_blocks]
        self._up = [_stage(block, "UpBlock2D", "upsamplers") for block in unet.up_blocks]
        middle = unet.mid_block
        require(type(middle).__name__ == "UNetMidBlock2DCrossAttn", "middle block")
        attentions = [None, *map(Transformer, middle.attentions)]
        self._middle = [(Residual(block), a) for block, a in zip(middle.resnets, attentions, strict=True)]
        stages = [*self._down, Stage(self._middle, None), *self._up]
        residuals = [residual for stage in stages for residual, _ in stage.pairs]
        self._attentions = [t for stage in stages for _, transformer in stage.pairs if transformer
                            for t in transformer.blocks]  # fmt: skip
        # The time embedding projections of all residual blocks, stacked.
        layers = [residual.time for residual in residuals]
        require(all(type(layer) is nn.Linear for layer in layers), "time embedding")
        self._time_weight = torch.cat([layer.weight.detach() for layer in layers if layer])
        self._time_bias = torch.cat(
            [layer.bias.detach() + r.inner_bias for layer, r in zip(layers, residuals, strict=True) if layer]
        )
        self._time_sizes = [len(residual.inner_bias) for residual in residuals]

    def tell(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """See `ConditionedUNet.tell`."""
        predict = self.tell_controlled(states, guided=guided)
        return lambda latents, timestep: predict(latents, timestep, Residuals())

    def tell_controlled(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor, Residuals], torch.Tensor]:
        """See `ControllableUNet.tell_controlled`."""
        sets = [states] if isinstance(states, torch.Tensor) else states
        memories = [[block.text.memory(one) for one in sets] for block in self._attentions]
        pooled = None
        if self._unet.config.addition_embed_type:
            pooled = torch.cat([self._unet.add_embedding(one) for one in sets])
        return lambda latents, timestep, added: self._predict(latents, timestep, memories, pooled, guided, added)

    def _predict(
        self,
        latents: torch.Tensor,
        timestep: torch.Tensor,
        memories: TextMemory,
        pooled: torch.Tensor | None,
        guided: bool,
        added: Residuals,
    ) -> torch.Tensor:
        biases, memory = iter(self._time_biases(timestep, pooled)), iter(memories)
        copies = 2 if guided else 1

        def split(x: torch.Tensor) -> torch.Tensor:
            """Repeats x for both halves of the guided batch, at the first layer where they differ."""
            return x if len(x) == copies * len(latents) else torch.cat([x, x])

        def apply(pair: tuple[Residual, Transformer | None], x: torch.Tensor) -> torch.Tensor:
            residual, transformer = pair
            x = residual(x, next(biases))
            return x if transformer is None else transformer(split(x), [next(memory) for _ in transformer.blocks])

        def climb(pair: tuple[Residual, Transformer | None], x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
            residual, transformer = pair
            x = residual.join(x, skip, next(biases))
            return x if transformer is None else transformer(x, [next(memory) for _ in transformer.blocks])

        x = self._conv_in(latents.contiguous(memory_format=torch.channels_last))
        skips = [x]
        if pooled is not None:
            x = split(x)
        for stage, within in zip(self._down, added.within or [None] * len(self._down), strict=True):
            for number, pair in enumerate(stage.pairs, start=1):
                x = apply(pair, x)
                if within is not None and number == len(stage.pairs) and stage.attends:
                    x = x + within
                skips.append(x)
            if stage.resample is not None:
                x = stage.resample(x)
                skips.append(x)
            if within is not None and not stage.attends:
                x = skips[-1] = x + within
        for pair in self._middle:
            # The residual block comes after the transformer here; the first pair has no transformer.
            residual, transformer = pair
            if transformer is not None:
                x = transformer(split(x), [next(memory) for _ in transformer.blocks])
            x = residual(x, next(biases))
        x = split(x)
        if added.middle is not None:
            x = x + added.middle
            skips = [split(skip) + one for skip, one in zip(skips, added.down, strict=True)]
        for stage in self._up:
            for pair in stage.pairs:
                x = climb(pair, x, skips.pop())
            if isinstance(stage.resample, FoldedUpsample):
                x = stage.resample(x, skips[-1].shape[2:])
        return self._conv_out(self._norm_out(x))

    def _time_biases(self, timestep: torch.Tensor, pooled: torch.Tensor | None) -> tuple[torch.Tensor, ...]:
        """Returns, for each residual block, its first convolution's bias plus its projection of the time embedding.

        Shapes: [C'] each, or [m, C'] where the `pooled` texts [m, C] are added to the time embedding.
        """
        embedding = self._unet.time_embedding(self._unet.time_proj(timestep.reshape(1)).float())
        if pooled is not None:
            embedding = embedding + pooled
        biases = F.linear(F.silu(embedding), self._time_weight, self._time_bias)
        return (biases if pooled is not None else biases[0]).split(self._time_sizes, dim=-1)


def _stage(block: Any, plain: str, resamplers: str) -> Stage:
    require(type(block).__name__ in (plain, f"CrossAttn{plain}"), type(block).__name__)
    attentions: list[Transformer | None] = [None] * len(block.resnets)
    if getattr(block, "attentions", None) is not None:
        attentions = [Transformer(model) for model in block.attentions]
    pairs = list(zip(map(Residual, block.resnets), attentions, strict=True))
    layers = getattr(block, resamplers)
    if layers is None:
        return Stage(pairs, None)
    require(len(layers) == 1, resamplers)
    if resamplers == "upsamplers":
        return Stage(pairs, FoldedUpsample(layers[0]))
    require(layers[0].use_conv and layers[0].padding == 1 and layers[0].norm is None, resamplers)
    return Stage(pairs, PackedConvolution(layers[0].conv))

"""A checkpoint's U-Net and VAE decoder as torch modules that OpenVINO can convert, with the work that repeats taken out.

They run diffusers' own blocks, on a copy that shares the weights. What differs from diffusers' `forward`:

- The keys and values of the text in every cross-attention are inputs, computed once for a prompt (`text_memory`).
- Under guidance the layers before the two texts first meet the picture give the same result for both, so they run once for
  each picture. `sides` says which picture each row of the batch belongs to from there on.
- In the decoder, nearest upsampling by 2 and the 3x3 convolution after it are one 2x2 convolution for each of the four
  output phases: each depends on only 2x2 different inputs, so 4/9 of the multiplications remain.
- In fp32 the U-Net's GroupNorm is written as the moments of each channel and one multiplication and addition. OpenVINO's own
  form of it changes the layout of the whole map twice.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from impasto.weights.sharing import copy_sharing_weights

# Keys and values [m, heads, tokens, width] of every cross-attention to the text, in the order of the layers.
TextMemory = list[torch.Tensor]

_DOWN = ("DownBlock2D", "CrossAttnDownBlock2D")
# The processors whose tracing holds for every batch and size.
_SELF_ATTENTIONS = ("AttnProcessor2_0", "IdentityAttention")
_UP = ("UpBlock2D", "CrossAttnUpBlock2D")


class NotConvertible(Exception):
    """The model has a layer that these modules do not know; the message names it."""


def _require(true: bool, what: str) -> None:
    if not true:
        raise NotConvertible(what)


class FoldedUpsample(nn.Module):
    """diffusers' Upsample2D to twice the size: nearest neighbours, then a 3x3 convolution."""

    def __init__(self, upsample: Any) -> None:
        super().__init__()
        plain = upsample.conv
        # Even outputs depend on (left, here, here), odd ones on (here, here, right): rows of taps that fall on the same
        # input are summed. fold[phase, tap of 2, tap of 3]
        fold = torch.tensor([[[1.0, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]], dtype=torch.float64)
        weight = torch.einsum("aij,bkl,ocjl->abocik", fold, fold, plain.weight.detach().double())
        self.weight = nn.Parameter(weight.flatten(0, 1).to(plain.weight.dtype), False)  # [4, C', C, 2, 2]
        self.bias = None if plain.bias is None else nn.Parameter(plain.bias.detach(), False)

    def forward(self, x: torch.Tensor, _size: Any = None) -> torch.Tensor:
        """x [n, C, h, w] -> [n, C', 2h, 2w]."""
        n, _, height, width = x.shape
        phases = []
        for phase, weight in enumerate(self.weight):
            down, right = divmod(phase, 2)
            padded = F.pad(x, (1 - right, right, 1 - down, down))
            phases.append(F.conv2d(padded, weight, self.bias))
        both = torch.stack(phases, dim=2).reshape(n, -1, height, width)  # channel 4 c + phase
        return F.pixel_shuffle(both, 2)


def fold_upsampling(model: nn.Module) -> None:
    """Replaces in place each Upsample2D that has the usual convolution."""
    for name, module in list(model.named_modules()):
        if type(module).__name__ != "Upsample2D":
            continue
        layer: Any = module
        usual = layer.use_conv and not layer.use_conv_transpose and layer.interpolate and layer.norm is None
        convolution = getattr(layer, "conv", None)
        if not (usual and type(convolution) is nn.Conv2d and convolution.groups == 1):
            continue
        if (convolution.kernel_size, convolution.stride, convolution.padding) != ((3, 3), (1, 1), (1, 1)):
            continue
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, FoldedUpsample(layer))


class MomentNorm(nn.Module):
    """nn.GroupNorm by the first two moments of each channel. For fp32: in bf16 their difference would lose its digits."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self._groups, self._members, self._eps = norm.num_groups, norm.num_channels // norm.num_groups, norm.eps
        scale = torch.ones(norm.num_channels) if norm.weight is None else norm.weight.detach()
        shift = torch.zeros_like(scale) if norm.bias is None else norm.bias.detach()
        self.scale = nn.Parameter(scale.view(1, -1, 1, 1), False)
        self.shift = nn.Parameter(shift.view(1, -1, 1, 1), False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [n, C, h, w] -> the same shape."""
        grouped = (-1, self._groups, self._members)
        means = x.mean((2, 3), keepdim=True).reshape(grouped).mean(2, keepdim=True)
        lengths = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)  # without a map of the squares
        squares = (lengths * lengths / (x.shape[2] * x.shape[3])).reshape(grouped).mean(2, keepdim=True)
        inverse = ((squares - means * means).clamp(min=0) + self._eps).rsqrt()
        scale = self._for_channels(inverse) * self.scale
        return x * scale + (self.shift - self._for_channels(means) * scale)

    def _for_channels(self, values: torch.Tensor) -> torch.Tensor:
        """[n, groups, 1] -> [n, C, 1, 1]."""
        return values.expand(-1, -1, self._members).reshape(-1, self._groups * self._members, 1, 1)


def norm_by_moments(model: nn.Module) -> None:
    """Replaces in place each GroupNorm of a map; those of a sequence, in an attention, stay."""
    for name, module in list(model.named_modules()):
        parent, _, last = name.rpartition(".")
        if type(module) is nn.GroupNorm and type(model.get_submodule(parent)).__name__ != "Attention":
            setattr(model.get_submodule(parent), last, MomentNorm(module))


class ToldAttention:
    """A diffusers attention processor for cross-attention whose keys and values are given from outside."""

    def __init__(self) -> None:
        self.key: Any = None
        self.value: Any = None
        self.mask: Any = None

    def __call__(self, attn: Any, hidden_states: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        """hidden_states [m, positions, C] -> the same shape."""
        query = attn.to_q(hidden_states).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(query, self.key, self.value, attn_mask=self.mask)
        return attn.to_out[0](mixed.transpose(1, 2).flatten(2))


def text_attentions(unet: Any) -> list[Any]:
    """Returns the cross-attentions to the text, in the order of the layers.

    Raises:
        NotConvertible: the U-Net attends to the text in another way than Stable Diffusion v1's.
    """
    transformers = [*unet.down_blocks, unet.mid_block, *unet.up_blocks]
    blocks = [b for part in transformers for t in getattr(part, "attentions", None) or [] for b in t.transformer_blocks]
    for block in blocks:
        _require(type(block).__name__ == "BasicTransformerBlock", type(block).__name__)
        _require(block.norm_type == "layer_norm" and not block.only_cross_attention, "its transformer blocks")
        _require(block._chunk_size is None and getattr(block, "fuser", None) is None, "its transformer blocks")
        itself = type(block.attn1.processor).__name__
        _require(itself in _SELF_ATTENTIONS, itself)
        attention = block.attn2
        _require(attention is not None, "a transformer block without text")
        _require(not attention.norm_cross and attention.norm_q is None and attention.norm_k is None, "normalized attention")
        _require(attention.spatial_norm is None and attention.group_norm is None, "normalized attention")
        _require(not attention.residual_connection and attention.rescale_output_factor == 1.0, "its attention")
        _require(attention.scale == (attention.to_q.out_features // attention.heads) ** -0.5, "the scale of its attention")
        _require(type(attention.processor).__name__ == "AttnProcessor2_0", type(attention.processor).__name__)
    return [block.attn2 for block in blocks]


@torch.inference_mode()
def text_memory(unet: Any, states: torch.Tensor) -> TextMemory:
    """Returns key and value of each cross-attention in turn, [m, heads, tokens, width], of text states [m, tokens, C]."""
    memory = []
    for attention in text_attentions(unet):
        for part in (attention.to_k, attention.to_v):
            memory.append(part(states).unflatten(-1, (attention.heads, -1)).transpose(1, 2).contiguous())
    return memory


def check_unet(unet: Any) -> None:
    """Checks that `DenoiserGraph` computes what this U-Net computes, as it is now: also where its weights are known already.

    Raises:
        NotConvertible: it does not.
    """
    config = unet.config
    for name in ("class_embedding", "encoder_hid_proj", "time_embed_act"):
        _require(getattr(unet, name, None) is None, name)
    _require(config.addition_embed_type in (None, "text"), f"its {config.addition_embed_type} embedding")
    _require(not config.center_input_sample and unet.time_embedding.cond_proj is None, "its input")
    _require(type(unet.mid_block).__name__ == "UNetMidBlock2DCrossAttn", type(unet.mid_block).__name__)
    for blocks, known in ((unet.down_blocks, _DOWN), (unet.up_blocks, _UP)):
        for block in blocks:
            _require(type(block).__name__ in known, type(block).__name__)
    _require(not any(getattr(block, "s1", None) for block in unet.up_blocks), "FreeU")
    _check_layers(unet)
    text_attentions(unet)


def check_vae(vae: Any) -> None:
    """As `check_unet`, of `DecoderGraph`."""
    _require(type(vae).__name__ == "AutoencoderKL", type(vae).__name__)
    _require(not (vae.use_tiling or vae.use_slicing), "tiling")
    _check_layers(vae)


def _check_layers(model: nn.Module) -> None:
    for module in model.modules():  # an adapter's layer computes by more than its weights
        _require(type(module).__module__.split(".")[0] in ("torch", "diffusers"), f"the layer {type(module).__name__}")
    hooked = any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    _require(not hooked, "a hook on its layers")


class DenoiserGraph(nn.Module):
    """A U-Net of residual and transformer blocks, as in Stable Diffusion v1 and the pocket checkpoint.

    Raises:
        NotConvertible: the model has other layers.
    """

    def __init__(self, unet: Any, *, moments: bool = True) -> None:
        """`moments`: with `MomentNorm`."""
        super().__init__()
        check_unet(unet)
        self.unet = copy_sharing_weights(unet)
        if moments:
            norm_by_moments(self.unet)
        self._told = []
        for attention in text_attentions(self.unet):
            self._told.append(ToldAttention())
            attention.set_processor(self._told[-1])
        self.pooled = unet.config.addition_embed_type == "text"

    def forward(
        self,
        latents: torch.Tensor,
        timestep: torch.Tensor,
        sides: torch.Tensor,
        mask: torch.Tensor,
        pooled: torch.Tensor,
        *memory: torch.Tensor,
    ) -> torch.Tensor:
        """Predicts for m rows from n pictures.

        Args:
            latents: [n, C, h, w].
            timestep: [1].
            sides: [m], for each row the number of its picture, 0 .. n - 1.
            mask: [m, 1, 1, tokens], 0 for tokens to attend to, very negative for the others.
            pooled: [m, width], added to the time embedding; [1, 1] for a U-Net that takes none.
            memory: `text_memory` of the m texts.

        Returns:
            [m, C, h, w].
        """
        unet = self.unet
        for number, told in enumerate(self._told):
            told.key, told.value, told.mask = memory[2 * number], memory[2 * number + 1], mask
        time = unet.time_embedding(unet.time_proj(timestep).to(latents.dtype))
        split = False

        def sided(x: torch.Tensor, is_split: bool) -> torch.Tensor:
            return x if is_split else x.index_select(0, sides)

        x = unet.conv_in(latents)
        skips = [(x, False)]
        if self.pooled:
            time = time + pooled
            x, split = sided(x, split), True
        for block in unet.down_blocks:
            transformers = getattr(block, "attentions", None) or [None] * len(block.resnets)
            for residual, transformer in zip(block.resnets, transformers, strict=True):
                x = residual(x, time)
                if transformer is not None:
                    x, split = _attended(transformer, sided(x, split)), True
                skips.append((x, split))
            for layer in block.downsamplers or []:
                x = layer(x)
                skips.append((x, split))
        middle = unet.mid_block
        x = middle.resnets[0](x, time)
        for transformer, residual in zip(middle.attentions, middle.resnets[1:], strict=True):
            x, split = _attended(transformer, sided(x, split)), True
            x = residual(x, time)
        x = sided(x, split)
        for block in unet.up_blocks:
            transformers = getattr(block, "attentions", None) or [None] * len(block.resnets)
            for residual, transformer in zip(block.resnets, transformers, strict=True):
                x = residual(torch.cat([x, sided(*skips.pop())], dim=1), time)
                if transformer is not None:
                    x = _attended(transformer, x)
            for layer in block.upsamplers or []:
                x = layer(x, skips[-1][0].shape[2:])
        return unet.conv_out(unet.conv_act(unet.conv_norm_out(x)))


def _attended(transformer: Any, x: torch.Tensor) -> torch.Tensor:
    return transformer(x, encoder_hidden_states=None, return_dict=False)[0]


class DecoderGraph(nn.Module):
    """The decoder of diffusers' AutoencoderKL: latents [n, C, h, w] -> pictures [n, 3, fh, fw] in about -1 .. 1."""

    def __init__(self, vae: Any) -> None:
        super().__init__()
        check_vae(vae)
        self.into = nn.Identity() if vae.post_quant_conv is None else copy_sharing_weights(vae.post_quant_conv)
        self.decoder = copy_sharing_weights(vae.decoder)
        fold_upsampling(self.decoder)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.into(latents))


def example_inputs(unet: Any, texts: Sequence[int] = (2, 5)) -> tuple[torch.Tensor, ...]:
    """Returns small inputs of a `DenoiserGraph` to trace it by: 2 pictures with guidance."""
    config = unet.config
    rows, tokens = texts[0] * 2, texts[1]
    side = 2 ** (len(unet.down_blocks) + 1)
    dtype = next(unet.parameters()).dtype
    memory = text_memory(unet, torch.randn(rows, tokens, config.cross_attention_dim, dtype=dtype))
    pooled = torch.zeros(1, 1, dtype=dtype)
    if config.addition_embed_type == "text":
        pooled = torch.randn(rows, unet.time_embedding.linear_2.out_features, dtype=dtype)
    return (
        torch.randn(texts[0], config.in_channels, side, side, dtype=dtype),
        torch.tensor([500.0]),
        torch.arange(texts[0]).repeat(2),
        torch.zeros(rows, 1, 1, tokens, dtype=dtype),
        pooled,
        *memory,
    )

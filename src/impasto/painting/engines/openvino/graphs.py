"""A checkpoint's U-Net and VAE decoder as torch modules that OpenVINO can convert, with the work that repeats taken out.

They run diffusers' own blocks, on a copy that shares the weights. What differs from diffusers' `forward`:

- The keys and values of the text in every cross-attention are inputs, computed once for a prompt (`text_memory`).
- Under guidance the layers before the two texts first meet the picture give the same result for both, so they run once for
  each picture. `sides` says which picture each row of the batch belongs to from there on.
- What control networks add to the hidden maps is an input, in a graph of its own.
- Some layers have another form (`layers`).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from impasto.painting.engines.conditioned import Residuals
from impasto.painting.engines.openvino.layers import ToldAttention, fold_upsampling, norm_by_moments
from impasto.weights.sharing import copy_sharing_weights

# Raise it when the graphs change what they compute or take: models of another number are converted anew.
GRAPHS = 2

# Keys and values [m, heads, tokens, width] of every cross-attention to the text, in the order of the layers.
TextMemory = list[torch.Tensor]

_Map = tuple[int, tuple[int, int]]
_DOWN = ("DownBlock2D", "CrossAttnDownBlock2D")
# The processors whose tracing holds for every batch and size.
_SELF_ATTENTIONS = ("AttnProcessor2_0", "IdentityAttention")
_UP = ("UpBlock2D", "CrossAttnUpBlock2D")


class NotConvertible(Exception):
    """The model has a layer that these modules do not know; the message names it."""


def _require(true: bool, what: str) -> None:
    if not true:
        raise NotConvertible(what)


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

    def __init__(self, unet: Any, *, moments: bool = True, controlled: bool = False) -> None:
        """`moments`: with `MomentNorm`. `controlled`: with what control networks add."""
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
        self._controlled = controlled

    def forward(
        self,
        latents: torch.Tensor,
        timestep: torch.Tensor,
        sides: torch.Tensor,
        mask: torch.Tensor,
        pooled: torch.Tensor,
        *rest: torch.Tensor,
    ) -> torch.Tensor:
        """Predicts for m rows from n pictures.

        Args:
            latents: [n, C, h, w].
            timestep: [1].
            sides: [m], for each row the number of its picture, 0 .. n - 1.
            mask: [m, 1, 1, tokens], 0 for tokens to attend to, very negative for the others.
            pooled: [m, width], added to the time embedding; [1, 1] for a U-Net that takes none.
            rest: `text_memory` of the m texts; then, in the controlled graph, what is added to each map for the decoder and
                after the middle block, [m, C, h, w], and to each block of the encoder, [1, C, h, w] (`control_inputs`).

        Returns:
            [m, C, h, w].
        """
        unet, memory, added = self.unet, rest[: 2 * len(self._told)], list(rest[2 * len(self._told) :])
        within = added[-len(unet.down_blocks) :] if self._controlled else [None] * len(unet.down_blocks)
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
        for block, extra in zip(unet.down_blocks, within, strict=True):
            attends = bool(getattr(block, "attentions", None))
            transformers = block.attentions if attends else [None] * len(block.resnets)
            for number, (residual, transformer) in enumerate(zip(block.resnets, transformers, strict=True), start=1):
                x = residual(x, time)
                if transformer is not None:
                    x, split = _attended(transformer, sided(x, split)), True
                if extra is not None and attends and number == len(block.resnets):
                    x = x + extra
                skips.append((x, split))
            for layer in block.downsamplers or []:
                x = layer(x)
                skips.append((x, split))
            if extra is not None and not attends:
                x = x + extra
                skips[-1] = (x, split)
        middle = unet.mid_block
        x = middle.resnets[0](x, time)
        for transformer, residual in zip(middle.attentions, middle.resnets[1:], strict=True):
            x, split = _attended(transformer, sided(x, split)), True
            x = residual(x, time)
        x = sided(x, split)
        if self._controlled:
            x = x + added[len(skips)]
            skips = [(sided(*skip) + one, True) for skip, one in zip(skips, added, strict=False)]
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


def example_inputs(unet: Any, texts: Sequence[int] = (2, 5), *, controlled: bool = False) -> tuple[torch.Tensor, ...]:
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
        *(control_inputs(unet, Residuals(), rows, (side, side)) if controlled else ()),
    )


def control_inputs(unet: Any, added: Residuals, rows: int, size: tuple[int, int]) -> list[torch.Tensor]:
    """Returns the controlled graph's inputs for what is added to `rows` latents of `size`; zeros where nothing is."""
    maps, within = control_maps(unet, size)
    given = [] if added.middle is None else [*added.down, added.middle]
    given = given or [torch.zeros(rows, channels, *size) for channels, size in maps]
    return [*given, *(added.within or [torch.zeros(1, channels, *size) for channels, size in within])]


def control_maps(unet: Any, size: tuple[int, int]) -> tuple[list[_Map], list[_Map]]:
    """Returns channels and size of each map that ControlNets add to, and of each that T2I-Adapters add to, for latents of
    `size`; -1 for a side that varies.
    """
    maps, within = [(unet.conv_in.out_channels, size)], []
    for block in unet.down_blocks:
        channels, before = block.resnets[0].out_channels, size
        maps += [(channels, size)] * len(block.resnets)
        if block.downsamplers:
            size = _halved(size[0]), _halved(size[1])
            maps.append((channels, size))
        within.append((channels, before if getattr(block, "attentions", None) else size))
    return [*maps, maps[-1]], within  # the last one is after the middle block


def _halved(side: int) -> int:
    return -1 if side < 0 else (side + 1) // 2

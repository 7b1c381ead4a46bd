"""The arranged U-Net and decoder give diffusers' numbers, and leave what they do not know to diffusers."""

from pathlib import Path

import pytest
import torch
from tests.painting.tiny_components import make_components
from torch import nn

from impasto.painting.optimized.choice import PlainUNet, optimize_decoder, optimize_unet
from impasto.painting.optimized.decoder import OptimizedDecoder
from impasto.painting.optimized.unet import OptimizedUNet


@pytest.mark.parametrize("seed", [0, 1])  # linear and convolutional projections, VAE without and with attention
@pytest.mark.parametrize("size", [(8, 8), (9, 13), (16, 12)])
@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("pooled", [False, True])  # the text in the time embedding
@torch.inference_mode()
def test_same_numbers(tmp_path: Path, seed: int, size: tuple[int, int], guided: bool, pooled: bool) -> None:
    components = make_components(tmp_path, seed=seed, pooled=pooled)
    arranged, plain = optimize_unet(components.unet), PlainUNet(components.unet)
    assert isinstance(arranged, OptimizedUNet)
    latents = torch.randn(2, 8, *size)
    states = torch.randn(4 if guided else 2, 16, 16)
    before = latents.clone()
    predict, expected = arranged.tell(states, guided=guided), plain.tell(states, guided=guided)
    for timestep in (torch.tensor(981), torch.tensor(3.5)):
        torch.testing.assert_close(predict(latents, timestep), expected(latents, timestep), atol=1e-4, rtol=1e-4)
    assert torch.equal(latents, before)
    decode = optimize_decoder(components.vae)
    assert isinstance(decode, OptimizedDecoder)
    torch.testing.assert_close(decode(latents), components.vae.decode(latents, return_dict=False)[0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("pooled", [False, True])
@torch.inference_mode()
def test_sets_of_different_lengths(tmp_path: Path, pooled: bool) -> None:
    components = make_components(tmp_path, pooled=pooled)
    arranged, plain = optimize_unet(components.unet), PlainUNet(components.unet)
    latents, sets = torch.randn(2, 8, 8, 8), [torch.randn(2, 16, 16), torch.randn(2, 21, 16)]
    timestep = torch.tensor(501)
    apart = torch.cat([plain.tell(states, guided=False)(latents, timestep) for states in sets])
    for unet in (arranged, plain):
        made = unet.tell(sets, guided=True)(latents, timestep)
        torch.testing.assert_close(made, apart, atol=1e-4, rtol=1e-4)
        # Each picture with states of its own, as many as it likes.
        one = unet.tell([sets[0][:1], sets[1][1:]], guided=False)(latents, timestep)
        torch.testing.assert_close(one, torch.stack([apart[0], apart[3]]), atol=1e-4, rtol=1e-4)


class Adapter(nn.Linear):
    """Stands for a layer that something else put in place of diffusers' own."""


def test_what_is_not_known_runs_as_it_is(tmp_path: Path) -> None:
    components = make_components(tmp_path)
    attention = components.unet.get_submodule("mid_block.attentions.0.transformer_blocks.0.attn1")
    attention.to_q = Adapter(32, 32, bias=False)
    assert isinstance(optimize_unet(components.unet), PlainUNet)
    assert isinstance(optimize_unet(make_components(tmp_path).unet.half()), PlainUNet)
    components.vae.enable_tiling()
    assert not isinstance(optimize_decoder(components.vae), OptimizedDecoder)

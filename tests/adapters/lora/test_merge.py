"""A LoRA merged into the weights does what peft's adapter and diffusers' loader do beside them."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.adapters.drawn_lora import draw_layers, layers_of, make_lora
from tests.painting.tiny_components import make_components

from impasto.adapters.lora.export import export_lora, save_lora
from impasto.adapters.lora.files import WEIGHTS, load_lora
from impasto.adapters.lora.keys import parse_keys
from impasto.adapters.lora.merge import apply_loras
from impasto.checkpoints.components import Components
from impasto.checkpoints.load import load_components
from impasto.errors import ImpastoError, UsageError


@pytest.fixture(scope="module")
def stable(tiny_diffusers: Path) -> Components:
    return load_components(str(tiny_diffusers))


@pytest.fixture(scope="module")
def pocket_like(tmp_path_factory) -> Components:
    return make_components(tmp_path_factory.mktemp("words"), pooled=True)


@torch.no_grad()
def answer(unet: Any, width: int, channels: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    latents = torch.randn(2, channels, 8, 8, generator=generator)
    states = torch.randn(2, 16, width, generator=generator)
    return unet(latents, 300, encoder_hidden_states=states, return_dict=False)[0]


def clip_states(encoder: Any) -> torch.Tensor:
    with torch.no_grad():
        return encoder(torch.tensor([[0, 5, 77, 300, 2]]))[0]


@pytest.mark.parametrize("format", ["kohya", "folder"])
def test_diffusers_own_loader_gives_the_same_unet(stable, tiny_diffusers, tmp_path, format):
    """Alpha 3 at rank 2 on every layer: a wrong alpha, a wrong transposition or a lost layer all show."""
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

    lora = make_lora(draw_layers(stable.unet, alpha=3), draw_layers(stable.text_encoder, alpha=2))
    if format == "folder":
        path = save_lora(tmp_path / "monet", lora) / WEIGHTS
    else:
        path = export_lora(lora, tmp_path / "x.safetensors", "kohya")
    pipeline = StableDiffusionPipeline.from_pretrained(tiny_diffusers, safety_checker=None, requires_safety_checker=False)
    pipeline.load_lora_weights(path.parent, weight_name=path.name)
    merged = apply_loras(stable, [(load_lora(path), 1.0)])
    expected = answer(pipeline.unet, 64, 4)
    assert torch.allclose(answer(merged.unet, 64, 4), expected, atol=1e-5)
    assert (answer(stable.unet, 64, 4) - expected).abs().max() > 0.1
    said = clip_states(pipeline.text_encoder)
    assert torch.allclose(clip_states(merged.text_encoder), said, atol=1e-5)
    assert (clip_states(stable.text_encoder) - said).abs().max() > 0.1


def test_pefts_adapter_of_pocket_gives_the_same_at_any_scale(pocket_like):
    """A trained adapter, convolutions and `add_embedding` in it, by peft's own code."""
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    unet = copy.deepcopy(pocket_like.unet)
    unet.add_adapter(LoraConfig(r=3, lora_alpha=6, target_modules=layers_of(unet)))
    generator = torch.Generator().manual_seed(1)
    for name, value in unet.named_parameters():
        if "lora_B" in name:
            value.data = 0.2 * torch.randn(value.shape, generator=generator)
    weights = {f"unet.{name}": value for name, value in get_peft_model_state_dict(unet).items()}
    layers, _ = parse_keys(weights, {"unet.r": 3, "unet.lora_alpha": 6})
    assert set(layers) == set(layers_of(pocket_like.unet)) and "add_embedding.pool.k_proj" in layers
    lora = make_lora(layers)
    for scale in (1.0, 0.4, -1.0):
        for module in unet.modules():
            if hasattr(module, "set_scale"):
                module.set_scale("default", scale)
        expected = answer(unet, 16, 8)
        assert torch.allclose(answer(apply_loras(pocket_like, [(lora, scale)]).unet, 16, 8), expected, atol=1e-5)
        assert (answer(pocket_like.unet, 16, 8) - expected).abs().max() > 0.01


def test_the_given_components_stay_and_share_what_is_untouched(pocket_like):
    before = {name: value.clone() for name, value in pocket_like.unet.state_dict().items()}
    merged = apply_loras(pocket_like, [(make_lora(draw_layers(pocket_like.unet, ["conv_in"])), 1.0)])
    assert all(torch.equal(value, before[name]) for name, value in pocket_like.unet.state_dict().items())
    assert merged.unet.conv_out.weight is pocket_like.unet.conv_out.weight
    assert merged.unet.conv_in.bias is pocket_like.unet.conv_in.bias
    assert not torch.equal(merged.unet.conv_in.weight, pocket_like.unet.conv_in.weight)
    assert merged.text_encoder is pocket_like.text_encoder and merged.vae is pocket_like.vae
    assert not merged.unet.training and isinstance(merged.unet.conv_in.weight, torch.nn.Parameter)


def test_several_add_up(pocket_like):
    one = make_lora(draw_layers(pocket_like.unet, ["conv_in", "conv_out"], seed=1), name="one")
    two = make_lora(draw_layers(pocket_like.unet, ["conv_in"], seed=2), name="two")
    both = apply_loras(pocket_like, [(one, 0.5), (two, 2.0)])
    expected = pocket_like.unet.conv_in.weight + 0.5 * one.unet["conv_in"].change() + 2 * two.unet["conv_in"].change()
    assert torch.allclose(both.unet.conv_in.weight, expected, atol=1e-6)
    later = apply_loras(apply_loras(pocket_like, [(one, 0.5)]), [(two, 2.0)])
    assert torch.allclose(later.unet.conv_in.weight, expected, atol=1e-6)
    assert later.loras == both.loras and later.name == both.name == "tiny + one:0.5 + two:2"
    assert (both.base_name, both.base_hash) == ("tiny", pocket_like.content_hash)


def test_half_precision_is_rounded_once(pocket_like):
    half = replace(pocket_like, unet=copy.deepcopy(pocket_like.unet).to(torch.bfloat16))
    tenths = [(make_lora(draw_layers(half.unet, ["conv_in"], seed=seed)), 0.1) for seed in range(8)]
    merged = apply_loras(half, tenths)
    expected = half.unet.conv_in.weight.float() + sum(0.1 * lora.unet["conv_in"].change() for lora, _ in tenths)
    assert merged.unet.conv_in.weight.dtype == torch.bfloat16
    assert torch.equal(merged.unet.conv_in.weight, expected.to(torch.bfloat16))


def test_name_and_hash_say_which_and_how_much(pocket_like):
    one = make_lora(draw_layers(pocket_like.unet, ["conv_in"], seed=1), name="one")
    two = make_lora(draw_layers(pocket_like.unet, ["conv_in"], seed=2), name="two")
    hashes = [
        apply_loras(pocket_like, chosen).content_hash
        for chosen in ([(one, 1.0)], [(one, 0.5)], [(two, 1.0)], [(one, 1.0), (two, 1.0)], [(two, 0.5), (one, 1.0)])
    ]
    assert len({*hashes, pocket_like.content_hash}) == 6


def test_scale_zero_is_none(pocket_like):
    lora = make_lora(draw_layers(pocket_like.unet))
    assert apply_loras(pocket_like, []) is pocket_like
    assert apply_loras(pocket_like, [(lora, 0.0), (lora, -0.0)]) is pocket_like


def test_a_1x1_convolution_fits_a_linear_layer(pocket_like):
    name = "down_blocks.1.attentions.0.proj_in"
    assert pocket_like.unet.get_submodule(name).weight.ndim == 2
    flat = draw_layers(pocket_like.unet, [name])[name]
    square = replace(flat, down=flat.down[:, :, None, None], up=flat.up[:, :, None, None])
    merged = [apply_loras(pocket_like, [(make_lora({name: layer}), 1.0)]).unet for layer in (flat, square)]
    assert torch.equal(*(unet.get_submodule(name).weight for unet in merged))


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), 10.5, -11.0])
def test_scales_that_make_no_sense(pocket_like, scale):
    with pytest.raises(UsageError, match="-10 to 10"):
        apply_loras(pocket_like, [(make_lora(draw_layers(pocket_like.unet, ["conv_in"])), scale)])


def test_a_lora_for_another_base_is_refused(pocket_like, stable):
    for base, other in ((pocket_like, stable), (stable, pocket_like)):
        lora = make_lora(draw_layers(base.unet), base_name="v1-5")
        with pytest.raises(ImpastoError, match=r"monet is for another base \(v1-5\)"):
            apply_loras(other, [(lora, 1.0)])
    text = make_lora({}, draw_layers(stable.text_encoder))
    with pytest.raises(ImpastoError, match=r"no layer text_encoder\.encoder\.layers"):
        apply_loras(pocket_like, [(text, 0.0)])
    normed = {"conv_norm_out": draw_layers(pocket_like.unet, ["conv_in"])["conv_in"]}
    with pytest.raises(ImpastoError, match=r"no layer unet\.conv_norm_out"):
        apply_loras(pocket_like, [(make_lora(normed), 1.0)])

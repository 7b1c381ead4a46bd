from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.adapter import T2IAdapter
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file

from impasto.adapters.control.nets import CARD, load_controlnet, make_controlnet
from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.files import write_atomically

ASKED = torch.tensor(500)


def spoken(seed: int = 0, width: int = 64, count: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    return torch.randn(count, 4, 8, 8), torch.randn(count, 7, width), torch.rand(count, 3, 64, 64)


def with_pooled_text() -> Any:
    """A U-Net like pocket's: the pooled text joins its time embedding, by another number of heads than diffusers' 64."""
    torch.manual_seed(1)
    return UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=(32, 64), norm_num_groups=8, layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=64, attention_head_dim=8, addition_embed_type="text", addition_embed_type_num_heads=4,
    ).eval()  # fmt: skip


@pytest.mark.parametrize("pooled", [False, True])
def test_an_untrained_net_changes_nothing_bit_for_bit(pooled: bool, tiny_parts: dict[str, Any]) -> None:
    unet = with_pooled_text() if pooled else tiny_parts["unet"]
    net: Any = make_controlnet(unet).eval()
    latents, states, shown = spoken()
    with torch.inference_mode():
        down, middle = net(latents, ASKED, states, shown, return_dict=False)
        plain = unet(latents, ASKED, states, return_dict=False)[0]
        both = unet(latents, ASKED, states, down_block_additional_residuals=down, mid_block_additional_residual=middle,
                    return_dict=False)[0]  # fmt: skip
    assert all(not one.any() for one in [*down, middle])
    assert torch.equal(plain, both)


def test_its_encoder_computes_what_the_unets_does() -> None:
    """diffusers' own `from_unet` pools the text with 64 heads, whatever the U-Net has."""
    unet = with_pooled_text()
    net: Any = make_controlnet(unet).eval()
    states = spoken()[1]
    with torch.inference_mode():
        assert torch.equal(net.add_embedding(states), unet.add_embedding(states))


def trained(unet: Any) -> Any:
    net: Any = make_controlnet(unet)
    torch.manual_seed(2)
    with torch.no_grad():
        for layer in [*net.controlnet_down_blocks, net.controlnet_mid_block]:
            layer.weight += 0.1 * torch.randn_like(layer.weight)
    return net.eval()


def answers(net: Any) -> list[torch.Tensor]:
    latents, states, shown = spoken()
    with torch.inference_mode():
        down, middle = net(latents, ASKED, states, shown, return_dict=False)
    return [*down, middle]


def test_a_diffusers_folder_a_single_file_and_what_differs_from_the_unet_are_one_net(
    tiny_parts: dict[str, Any], tmp_path: Path
) -> None:
    unet = tiny_parts["unet"]
    net = trained(unet)
    wanted = answers(net)
    net.save_pretrained(tmp_path / "whole")
    own = unet.state_dict()
    apart = {n: v for n, v in net.state_dict().items() if n not in own or not torch.equal(own[n], v)}
    net.save_config(tmp_path / "shared")
    save_file(apart, tmp_path / "shared" / "diffusion_pytorch_model.safetensors")
    write_atomically(tmp_path / "shared" / CARD, b'{"shares_unet": true, "condition": "scribble"}')
    save_file(net.state_dict(), tmp_path / "diffusers-names.safetensors")
    save_file({f"control_model.{n}": v for n, v in to_original(net.state_dict()).items()}, tmp_path / "original.safetensors")
    for name in ("whole", "shared", "diffusers-names.safetensors", "original.safetensors"):
        loaded = load_controlnet(tmp_path / name, unet)
        for found, one in zip(answers(loaded.model), wanted, strict=True):
            assert torch.equal(found, one), name
    assert load_controlnet(tmp_path / "shared", unet).condition == "scribble"
    whole = sum(file.stat().st_size for file in (tmp_path / "whole").iterdir())
    assert sum(file.stat().st_size for file in (tmp_path / "shared").iterdir()) < 0.5 * whole


def to_original(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """ControlNet's own names, written from its repository's: `cldm/cldm.py`. The tiny net has one layer a block."""
    names: dict[str, str] = {}
    resnet = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
              "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}  # fmt: skip
    hints = {"conv_in": 0, "blocks.0": 2, "blocks.1": 4, "blocks.2": 6, "blocks.3": 8, "blocks.4": 10, "blocks.5": 12,
             "conv_out": 14}  # fmt: skip
    for name in state:
        head, _, tail = name.rpartition(".")
        parts = head.split(".")
        if parts[0] == "time_embedding":
            new = f"time_embed.{0 if parts[1] == 'linear_1' else 2}"
        elif parts[0] == "conv_in":
            new = "input_blocks.0.0"
        elif parts[0] == "controlnet_cond_embedding":
            new = f"input_hint_block.{hints['.'.join(parts[1:])]}"
        elif parts[0] == "controlnet_down_blocks":
            new = f"zero_convs.{parts[1]}.0"
        elif parts[0] == "controlnet_mid_block":
            new = "middle_block_out.0"
        elif parts[0] == "down_blocks":
            first = 1 + 2 * int(parts[1])
            if parts[2] == "downsamplers":
                new = f"input_blocks.{first + 1}.0.op"
            elif parts[2] == "resnets":
                new = f"input_blocks.{first}.0.{resnet[parts[4]]}"
            else:
                new = ".".join([f"input_blocks.{first}.1", *parts[4:]])
        elif parts[1] == "resnets":
            new = f"middle_block.{0 if parts[2] == '0' else 2}.{resnet[parts[3]]}"
        else:
            new = ".".join(["middle_block.1", *parts[3:]])
        names[name] = f"{new}.{tail}"
    return {names[name]: value for name, value in state.items()}


def test_an_adapter_is_loaded_and_checked(tiny_parts: dict[str, Any], tmp_path: Path) -> None:
    T2IAdapter(channels=[32, 64, 64], num_res_blocks=1, downscale_factor=8).save_pretrained(tmp_path / "adapter")
    assert load_controlnet(tmp_path / "adapter", tiny_parts["unet"]).is_adapter
    T2IAdapter(channels=[32, 64], num_res_blocks=1, downscale_factor=8).save_pretrained(tmp_path / "other")
    with pytest.raises(ImpastoError, match=r"blocks of \[32, 64\] channels, but pocket has \[32, 64, 64\]"):
        load_controlnet(tmp_path / "other", tiny_parts["unet"], "pocket")


def test_a_net_of_another_checkpoint_is_named(tiny_parts: dict[str, Any], tmp_path: Path) -> None:
    other = with_pooled_text()
    make_controlnet(other).save_pretrained(tmp_path / "other")
    with pytest.raises(ImpastoError, match=r"blocks of \[32, 64\] channels, but pocket has blocks of \[32, 64, 64\]"):
        load_controlnet(tmp_path / "other", tiny_parts["unet"], "pocket")
    wide = {n: torch.zeros(v.shape[0], 1024) if n.endswith("attn2.to_k.weight") else v
            for n, v in to_original(trained(tiny_parts["unet"]).state_dict()).items()}  # fmt: skip
    save_file(wide, tmp_path / "v2.safetensors")
    with pytest.raises(ImpastoError, match="texts 1024 wide, but pocket has texts 64 wide"):
        load_controlnet(tmp_path / "v2.safetensors", tiny_parts["unet"], "pocket")


@pytest.mark.parametrize(
    ("tensors", "match"),
    [
        ({"lora_controlnet": torch.zeros(1), "input_blocks.0.0.up": torch.zeros(1)}, "Control-LoRA"),
        ({"difference.weight": torch.zeros(1)}, "differences to a checkpoint"),
        ({"conv.weight": torch.zeros(1)}, "holds no ControlNet"),
        ({"time_embed.0.weight": torch.zeros(1)}, "no whole ControlNet|lacks the weights"),
    ],
)
def test_what_is_no_whole_net_is_one_sentence(
    tensors: dict[str, torch.Tensor], match: str, tiny_parts: dict[str, Any], tmp_path: Path
) -> None:
    save_file(tensors, tmp_path / "net.safetensors")
    with pytest.raises(ImpastoError, match=match):
        load_controlnet(tmp_path / "net.safetensors", tiny_parts["unet"])


def test_no_net_no_weights_and_another_model(tiny_parts: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match="no ControlNet"):
        load_controlnet(tmp_path / "none", tiny_parts["unet"])
    (tmp_path / "note.txt").write_text("x")
    with pytest.raises(UsageError, match="no file of weights"):
        load_controlnet(tmp_path / "note.txt", tiny_parts["unet"])
    tiny_parts["unet"].save_pretrained(tmp_path / "unet")
    with pytest.raises(ImpastoError, match="is a UNet2DConditionModel, not a ControlNetModel"):
        load_controlnet(tmp_path / "unet", tiny_parts["unet"])

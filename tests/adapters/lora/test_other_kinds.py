"""LoRAs of other layouts and kinds change weights as their authors' code does, and broken ones are named."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.adapters.drawn_lora import draw_layers, make_lora

from impasto.adapters.lora.export import export_lora
from impasto.adapters.lora.files import PEFT_SETTINGS, PEFT_WEIGHTS, find_lora, load_lora
from impasto.adapters.lora.named import find_named_lora, lora_folders
from impasto.adapters.lora.original_names import diffusers_module
from impasto.checkpoints.formats.sd_v1_keys import unet_keys
from impasto.errors import ImpastoError

DRAW = torch.Generator().manual_seed(3)
ATTENTION = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=DRAW)


def loaded(folder: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> Any:
    save_file(tensors, folder / "x.safetensors", metadata)
    return load_lora(folder / "x.safetensors")


def test_an_ending_in_upper_case_and_a_pickle(tmp_path: Path, tiny_parts: dict[str, Any]) -> None:
    lora = make_lora(draw_layers(tiny_parts["unet"], ["conv_in"]))
    file = export_lora(lora, tmp_path / "x.safetensors")
    file.rename(tmp_path / "X.SAFETENSORS")
    assert load_lora(tmp_path / "X.SAFETENSORS").content_hash == lora.content_hash
    tensors = {"lora_down.weight": drawn(2, 4, 3, 3), "lora_up.weight": drawn(8, 2, 1, 1)}
    torch.save({f"lora_unet_conv_in.{name}": value for name, value in tensors.items()}, tmp_path / "y.pt")
    assert load_lora(tmp_path / "y.pt").name == "y"


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.bfloat16, torch.float16])
def test_any_float_is_read_and_what_is_no_number_is_named(tmp_path: Path, kind: torch.dtype) -> None:
    down, up = torch.tensor([[0.5, 1.0, -2.0]]), torch.tensor([[1.0], [2.0]])
    names = "lora_unet_conv_in.lora_down.weight", "lora_unet_conv_in.lora_up.weight"
    lora = loaded(tmp_path, dict(zip(names, (down.to(kind), up.to(kind)), strict=True)))
    assert torch.equal(lora.unet["conv_in"].change(), up @ down)
    up[1] = float("nan")
    with pytest.raises(ImpastoError, match=r"tensor lora_unet_conv_in\.lora_up\.weight holds values that are no numbers"):
        loaded(tmp_path, dict(zip(names, (down.to(kind), up.to(kind)), strict=True)))


def test_pefts_keys_with_an_adapters_name(tmp_path: Path) -> None:
    down, up = drawn(2, 8), drawn(6, 2)
    for name in ("style", "default", "my-adapter_1"):
        tensors = {f"unet.{ATTENTION}.lora_{side}.{name}.weight": value for side, value in (("A", down), ("B", up))}
        lora = loaded(tmp_path, tensors)
        assert torch.allclose(lora.unet[ATTENTION].change(), up @ down)
    both = {f"unet.{ATTENTION}.lora_A.{name}.weight": down.clone() for name in ("one", "two")}
    with pytest.raises(ImpastoError, match=r"several adapters \(one, two\)"):
        loaded(tmp_path, both)


def test_pefts_own_folder_with_its_settings(tmp_path: Path) -> None:
    down, up = drawn(4, 8), drawn(6, 4)
    text = "text_model.encoder.layers.0.self_attn.q_proj"
    for module, part in ((ATTENTION, "unet"), (text, "text_encoder")):
        tensors = {f"base_model.model.{module}.lora_A.weight": down, f"base_model.model.{module}.lora_B.weight": up}
        save_file(tensors, tmp_path / PEFT_WEIGHTS)
        for settings, scale in (({"lora_alpha": 8}, 2.0), ({"lora_alpha": 8, "use_rslora": True}, 4.0), ({"r": 4}, 1.0)):
            (tmp_path / PEFT_SETTINGS).write_text(json.dumps(settings))
            lora = load_lora(tmp_path)
            (layer,) = getattr(lora, part).values()
            assert torch.allclose(layer.change(), scale * up @ down, rtol=1e-5)
            assert lora.name == tmp_path.name


def test_the_original_names_of_the_u_net(tmp_path: Path) -> None:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    unet = UNet2DConditionModel(block_out_channels=(32, 32, 32, 32), cross_attention_dim=8, attention_head_dim=4)
    modules = [name for name, m in unet.named_modules() if isinstance(m, torch.nn.Linear | torch.nn.Conv2d)]
    renamed = dict(zip(unet_keys({name: name for name in unet.state_dict()}), unet.state_dict(), strict=True))
    for old, new in renamed.items():
        module = old.rpartition(".")[0]
        if new.rpartition(".")[0] in modules:
            assert diffusers_module(module) == new.rpartition(".")[0]
    old = "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q"
    lora = loaded(tmp_path, {f"{old}.lora_down.weight": drawn(2, 8), f"{old}.lora_up.weight": drawn(6, 2)})
    assert list(lora.unet) == [ATTENTION]
    comfy = "diffusion_model.output_blocks.11.0.in_layers.2"
    lora = loaded(tmp_path, {f"{comfy}.lora_A.weight": drawn(2, 8, 3, 3), f"{comfy}.lora_B.weight": drawn(6, 2, 1, 1)})
    assert list(lora.unet) == ["up_blocks.3.resnets.2.conv1"]
    skip = "lora_unet_middle_block_2_skip_connection"
    lora = loaded(tmp_path, {f"{skip}.lora_down.weight": drawn(2, 8), f"{skip}.lora_up.weight": drawn(6, 2)})
    assert list(lora.unet) == ["mid_block.resnets.1.conv_shortcut"]


def layer(tensors: dict[str, torch.Tensor], alpha: float | None = 2.0) -> dict[str, torch.Tensor]:
    given = {} if alpha is None else {"lora_unet_conv_in.alpha": torch.tensor(alpha)}
    return {f"lora_unet_conv_in.{name}": value for name, value in tensors.items()} | given


def test_loha_as_peft_computes_it(tmp_path: Path) -> None:
    from peft.tuners.loha.layer import HadaWeight, HadaWeightCP

    scale = torch.tensor(2.0 / 4)
    w = {"hada_w1_a": drawn(6, 4), "hada_w1_b": drawn(4, 8), "hada_w2_a": drawn(6, 4), "hada_w2_b": drawn(4, 8)}
    lora = loaded(tmp_path, layer(w))
    expected: Any = HadaWeight.apply(*w.values(), scale)
    assert torch.allclose(lora.unet["conv_in"].change(), expected, atol=1e-5) and lora.unet["conv_in"].rank == 4
    cp = {"hada_t1": drawn(4, 4, 3, 3), "hada_w1_a": drawn(4, 6), "hada_w1_b": drawn(4, 8), "hada_t2": drawn(4, 4, 3, 3),
          "hada_w2_a": drawn(4, 6), "hada_w2_b": drawn(4, 8)}  # fmt: skip
    lora = loaded(tmp_path, layer(cp))
    expected = HadaWeightCP.apply(*cp.values(), scale)
    assert torch.allclose(lora.unet["conv_in"].change(), expected, atol=1e-4)
    with pytest.raises(ImpastoError, match=r"a LoHa .* painted with but not be written"):
        export_lora(lora, tmp_path / "again.safetensors")


def test_lokr_as_peft_computes_it(tmp_path: Path) -> None:
    from peft.tuners.lokr.layer import make_kron, make_weight_cp

    w1, a, b = drawn(2, 2), drawn(3, 4), drawn(4, 4)
    change = loaded(tmp_path, layer({"lokr_w1": w1, "lokr_w2_a": a, "lokr_w2_b": b})).unet["conv_in"]
    assert torch.allclose(change.change(), make_kron(w1, a @ b, 0.5), atol=1e-5)
    full = loaded(tmp_path, layer({"lokr_w1": w1, "lokr_w2": a}, alpha=9999.0)).unet["conv_in"]
    assert torch.allclose(full.change(), torch.kron(w1, a), atol=1e-5)  # nothing is factored, so nothing is scaled
    core, wa, wb = drawn(4, 4, 3, 3), drawn(4, 3), drawn(4, 5)
    change = loaded(tmp_path, layer({"lokr_w1": w1, "lokr_t2": core, "lokr_w2_a": wa, "lokr_w2_b": wb})).unet["conv_in"]
    assert torch.allclose(change.change(), make_kron(w1, make_weight_cp(core, wa, wb), 0.5), atol=1e-4)


def test_the_tucker_form_is_three_convolutions(tmp_path: Path) -> None:
    down, mid, up = drawn(2, 5, 1, 1), drawn(2, 2, 3, 3), drawn(6, 2, 1, 1)
    tensors = {"lora_down.weight": down, "lora_mid.weight": mid, "lora_up.weight": up}
    change = loaded(tmp_path, layer(tensors)).unet["conv_in"].change()
    picture, conv = drawn(1, 5, 7, 7), torch.nn.functional.conv2d
    assert torch.allclose(conv(picture, change), conv(conv(conv(picture, down), mid), up), atol=1e-3)


def test_a_full_difference(tmp_path: Path) -> None:
    difference = drawn(6, 8)
    assert torch.equal(loaded(tmp_path, layer({"diff": difference}, 4.0)).unet["conv_in"].change(), difference)


def test_dora_as_peft_merges_it(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 6, bias=False))
    weight = model[0].weight.detach().clone()
    taught: Any = get_peft_model(model, LoraConfig(r=2, lora_alpha=4, use_dora=True, target_modules=["0"]))
    names = {"lora_A.default.weight": (2, 8), "lora_B.default.weight": (6, 2), "lora_magnitude_vector.default.weight": (6,)}
    tensors = {}
    for name, parameter in taught.named_parameters():
        for end, shape in names.items():
            if name.endswith(end):
                parameter.data = drawn(*shape).abs() + 0.1
                tensors[f"unet.conv_in.{end}"] = parameter.detach().clone()
    settings = json.dumps({"unet.lora_alpha": 4})
    lora = loaded(tmp_path, tensors, {"lora_adapter_metadata": settings})
    merged: Any = taught.merge_and_unload()
    assert torch.allclose(weight + lora.unet["conv_in"].change_of(weight), merged[0].weight, atol=1e-5)


def test_lycoris_dora_is_of_the_magnitude_it_says(tmp_path: Path) -> None:
    down, up, weight = drawn(2, 8), drawn(6, 2), drawn(6, 8)
    tensors = {"lora_down.weight": down, "lora_up.weight": up}
    for magnitude, dim in ((drawn(1, 8).abs(), 0), (drawn(6, 1).abs(), 1)):
        change = loaded(tmp_path, layer({**tensors, "dora_scale": magnitude})).unet["conv_in"]
        new = weight + change.change_of(weight)
        assert torch.allclose(new.norm(dim=dim), magnitude.flatten(), atol=1e-4)
    with pytest.raises(ImpastoError, match=r"magnitude of shape \[5\]"):
        loaded(tmp_path, layer({**tensors, "dora_scale": drawn(5)}))


def test_a_lora_is_found_by_its_name(tmp_path: Path, tiny_parts: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    lora = make_lora(draw_layers(tiny_parts["unet"], ["conv_in"]))
    mine, other = tmp_path / "mine", tmp_path / "other"
    (mine / "styles").mkdir(parents=True)
    other.mkdir()
    export_lora(lora, mine / "styles" / "Oil.safetensors")
    export_lora(lora, other / "oil.safetensors")
    names = {"ss_output_name": "secret"}
    save_file({"lora_unet_conv_in.lora_down.weight": drawn(2, 4)}, other / "file.safetensors", names)
    monkeypatch.setenv("IMPASTO_LORAS", str(other))
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    folders = lora_folders([mine])
    assert folders[:3] == [mine, other, tmp_path / "cache" / "loras"]
    assert find_named_lora("Oil", folders) == find_named_lora("OIL", folders) == mine / "styles" / "Oil.safetensors"
    assert find_named_lora("styles/Oil", folders) == mine / "styles" / "Oil.safetensors"
    assert find_named_lora("oil", [other]) == other / "oil.safetensors"
    assert find_named_lora("secret", folders) == other / "file.safetensors"
    for name in ("", "..", "../other/oil", "nowhere", str(other / "nowhere")):
        assert find_named_lora(name, [mine]) is None
    assert find_lora(mine) is None

"""LoRAs are the same in every format, and what is no LoRA is refused in one sentence."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tests.adapters.drawn_lora import draw_layers, layers_of, make_lora, same_layers

from impasto.adapters.lora.export import export_lora, only_ours_in_kohya, save_lora
from impasto.adapters.lora.files import CARD, WEIGHTS, Lora, find_lora, load_lora
from impasto.errors import ImpastoError, MissingPart, UsageError

POCKET_UNET = Path(__file__).parents[3] / "src" / "impasto" / "checkpoints" / "pocket" / "unet" / "config.json"


@pytest.fixture(scope="module")
def bert() -> torch.nn.Module:
    from transformers import BertConfig, BertModel

    config = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=2, num_attention_heads=1, intermediate_size=16)
    return BertModel(config)


@pytest.fixture(scope="module")
def pocket_unet() -> torch.nn.Module:
    """Pocket's own layers by name, without their numbers."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    config = json.loads(POCKET_UNET.read_text("utf-8")) | {"block_out_channels": [16, 16, 24], "attention_head_dim": 8}
    return UNet2DConditionModel.from_config(config | {"cross_attention_dim": 64, "encoder_hid_dim": None})


@pytest.fixture(scope="module")
def clip_lora(tiny_parts: dict[str, Any]) -> Lora:
    """For every layer of the U-Net and the text encoder of Stable Diffusion's kind; alpha is not the rank."""
    unet, text = tiny_parts["unet"], tiny_parts["text_encoder"]
    known = {"trigger": "by monet", "base_name": "v1-5", "base_hash": "ab" * 32, "license": "CC0-1.0"}
    return make_lora(draw_layers(unet, alpha=1.5), draw_layers(text, rank=3, alpha=0.1, seed=1), **known)


@pytest.fixture(scope="module")
def pocket_lora(pocket_unet: torch.nn.Module, bert: torch.nn.Module) -> Lora:
    assert "add_embedding.proj" in layers_of(pocket_unet)
    return make_lora(draw_layers(pocket_unet), draw_layers(bert, alpha=0.5, seed=1))


@pytest.mark.parametrize("kind", ["clip_lora", "pocket_lora"])
@pytest.mark.parametrize("format", ["kohya", "diffusers", "folder"])
def test_every_layer_comes_back_from_every_format(kind, format, request, tmp_path):
    lora: Lora = request.getfixturevalue(kind)
    # What was alpha 0.1 in doubles is the nearest single, as kohya's tensor holds it.
    single = {n: replace(x, alpha=torch.tensor(x.alpha).item()) for n, x in lora.text_encoder.items()}
    if format == "folder":
        path = save_lora(tmp_path / "monet", lora)
    else:
        path = export_lora(lora, tmp_path / "m.safetensors", format)
    read = load_lora(path)
    assert same_layers(read.unet, lora.unet) and same_layers(read.text_encoder, single)
    assert read.content_hash == lora.content_hash
    assert (read.name, read.trigger, read.license) == ("monet", lora.trigger, lora.license)
    assert (read.base_name, read.base_hash, read.path) == (lora.base_name, lora.base_hash, str(path))
    # And on to the other one.
    other = "diffusers" if format == "kohya" else "kohya"
    again = load_lora(export_lora(path, tmp_path / "again.safetensors", other))
    assert same_layers(again.unet, lora.unet) and again.content_hash == lora.content_hash


def test_kohyas_names_to_the_letter(tmp_path, tiny_parts):
    unet = draw_layers(tiny_parts["unet"], ["down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0"], alpha=8)
    text = draw_layers(tiny_parts["text_encoder"], ["encoder.layers.1.self_attn.q_proj"])
    file = export_lora(make_lora(unet, text, trigger="oil"), tmp_path / "x.safetensors", "kohya")
    weights = load_file(file)
    layer = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0"
    clip = "lora_te_text_model_encoder_layers_1_self_attn_q_proj"
    assert set(weights) == {f"{n}.{w}" for n in (layer, clip) for w in ("lora_down.weight", "lora_up.weight", "alpha")}
    assert weights[f"{layer}.lora_down.weight"].shape == (2, 32) and weights[f"{layer}.alpha"] == 8
    with safe_open(file, "pt") as opened:
        assert opened.metadata()["modelspec.trigger_phrase"] == "oil"
        assert opened.metadata()["ss_network_alpha"] == "8.0"


def test_layers_that_only_we_read_in_kohyas_keys_are_known(clip_lora, pocket_lora):
    assert only_ours_in_kohya(clip_lora) == []
    ours = only_ours_in_kohya(pocket_lora)
    assert "unet.add_embedding.pool.k_proj" in ours and "text_encoder.encoder.layer.0.intermediate.dense" in ours
    assert len(ours) == 4 + len(pocket_lora.text_encoder)


def test_the_folder_and_the_run_that_holds_it(tmp_path, tiny_parts):
    lora = make_lora(draw_layers(tiny_parts["unet"], ["conv_in"]), base_name="pocket", base_hash="cd" * 32)
    save_lora(tmp_path / "runs" / "monet" / "lora", lora)
    folder = tmp_path / "runs" / "monet" / "lora"
    assert sorted(file.name for file in folder.iterdir()) == [CARD, WEIGHTS]
    assert json.loads((folder / CARD).read_text()) == {
        "name": "monet",
        "base": "pocket",
        "base_hash": "cd" * 32,
        "rank": 2,
        "alpha": 2.0,
        "trigger": "",
        "license": "",
    }
    assert set(load_file(folder / WEIGHTS)) == {"unet.conv_in.lora_A.weight", "unet.conv_in.lora_B.weight"}
    for path in (folder.parent, folder, folder / WEIGHTS):
        assert load_lora(path).content_hash == lora.content_hash
    (folder / CARD).unlink()
    assert load_lora(folder.parent).name == "monet"  # the file's own metadata has it too
    assert find_lora(tmp_path) is None


def test_a_card_gives_the_alpha_that_no_tensor_gives(tmp_path, tiny_parts):
    lora = make_lora(draw_layers(tiny_parts["unet"], ["conv_in"]))
    folder = save_lora(tmp_path / "monet", lora)
    save_file(load_file(folder / WEIGHTS), folder / WEIGHTS)  # as another trainer would write it
    (folder / CARD).write_text('{"rank": 2, "alpha": 1}')
    assert load_lora(folder).unet["conv_in"].scale == 0.5


def test_older_forms_of_diffusers(tmp_path):
    down, up = torch.randn(2, 8), torch.randn(6, 2)
    attention = "down_blocks.0.attentions.0.transformer_blocks.0.attn1"
    text = "encoder.layers.0.self_attn"
    for number, (unet_key, text_key) in enumerate(
        [
            ("processor.to_out_lora.{}.weight", "to_out_lora.{}.weight"),
            ("to_out.0.lora.{}.weight", "out_proj.lora_linear_layer.{}.weight"),
        ]
    ):
        keys = {"unet." + f"{attention}.{unet_key}": attention, f"text_encoder.text_model.{text}.{text_key}": text}
        weights = {key.format(side): value.clone() for key in keys for side, value in (("down", down), ("up", up))}
        save_file(weights, tmp_path / f"{number}.safetensors")
        lora = load_lora(tmp_path / f"{number}.safetensors")
        assert list(lora.unet) == [f"{attention}.to_out.0"] and list(lora.text_encoder) == [f"{text}.out_proj"]
        layer = lora.text_encoder[f"{text}.out_proj"]
        assert torch.equal(layer.down, down) and torch.equal(layer.up, up) and layer.alpha == 2
        assert torch.equal(lora.unet[f"{attention}.to_out.0"].change(), up @ down)


def test_the_hash_tells_loras_apart_by_what_they_do(tiny_parts):
    unet = draw_layers(tiny_parts["unet"], ["conv_in", "conv_out"])
    turned = dict(reversed(unet.items()))
    assert make_lora(unet).content_hash == make_lora(turned, name="other").content_hash
    louder = unet | {"conv_in": replace(unet["conv_in"], alpha=4.0)}
    nudged = unet | {"conv_in": replace(unet["conv_in"], up=unet["conv_in"].up + 1e-6)}
    assert len({make_lora(layers).content_hash for layers in (unet, louder, nudged)}) == 3


def written(folder: Path, **weights: torch.Tensor) -> Path:
    names = {name.replace("__", "."): value.clone() for name, value in weights.items()}
    save_file(names, folder / "x.safetensors")
    return folder / "x.safetensors"


DOWN, UP = torch.ones(2, 4), torch.ones(3, 2)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"conv_in__weight": DOWN}, "holds no LoRA"),
        ({"lora_unet_conv_in__lora_down__weight": DOWN}, "torn: unet.conv_in lacks its lora_up"),
        ({"lora_unet_conv_in__lora_down__weight": DOWN, "lora_unet_conv_in__lora_up__weight": DOWN}, "do not fit"),
        ({"unet__conv_in__lora_A__weight": DOWN, "unet__conv_in__lora_B__weight": torch.ones(3)}, "do not fit"),
        ({"lora_unet_conv_in__hada_w1_a": DOWN}, "torn: unet.conv_in lacks its hada_w1_b"),
        ({"unet__conv_in__lora_magnitude_vector": DOWN}, "torn: unet.conv_in lacks its lora_down"),
        ({"lora_te2_text_model_x__lora_down__weight": DOWN}, "is for Stable Diffusion XL"),
        ({"lora_unet_double_blocks_0_img_attn_qkv__lora_down__weight": DOWN}, "is for Flux"),
        ({"transformer__blocks__0__x__lora_A__weight": DOWN}, "is for a diffusion transformer"),
        ({"lora_unet_conv_in__oft_blocks": DOWN}, "holds an OFT"),
        ({"lora_unet_conv_in__a1__weight": DOWN}, "holds a GLoRA"),
        ({"lora_unet_input_blocks_1_1_x__lora_down__weight": DOWN}, "torn: unet.down_blocks.0.attentions.0.x lacks"),
        ({"emb_params": DOWN}, "textual inversion: give it with --concept"),
        ({"unet__conv_in__lora_A__weight": DOWN, "unet__conv_in__lora_B__bias": UP}, "lora_B.bias"),
        (
            {
                "lora_unet_conv_in__lora_down__weight": DOWN,
                "lora_unet_conv_in__lora_up__weight": UP,
                "lora_unet_conv_in__alpha": torch.tensor(float("nan")),
            },
            r"its tensor lora_unet_conv_in.alpha holds values that are no numbers \(NaN",
        ),
    ],
)
def test_what_is_no_lora_is_refused(tmp_path, weights, words):
    with pytest.raises(ImpastoError, match=words) as error:
        load_lora(written(tmp_path, **weights))
    assert "x.safetensors" in str(error.value) and "\n" not in str(error.value)


def test_files_that_are_not_there_torn_or_pickles(tmp_path, tiny_parts):
    (tmp_path / "x.png").write_bytes(b"\x80\x04.")
    with pytest.raises(UsageError, match=r"no LoRA's file: LoRAs are read from \.safetensors"):
        load_lora(tmp_path / "x.png")
    with pytest.raises(MissingPart, match="is not there"):
        load_lora(tmp_path / "nowhere")
    with pytest.raises(MissingPart, match="holds no LoRA"):
        load_lora(tmp_path)
    with pytest.raises(UsageError, match="empty"):
        load_lora("")
    file = export_lora(make_lora(draw_layers(tiny_parts["unet"], ["conv_in"])), tmp_path / "x.safetensors")
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(ImpastoError, match="cut short"):
        load_lora(file)


def test_export_does_not_replace_and_says_what_it_cannot(tmp_path, tiny_parts):
    lora = make_lora(draw_layers(tiny_parts["unet"], ["conv_in"]))
    export_lora(lora, tmp_path / "x.safetensors")
    for file, words in (("x.safetensors", "there already"), ("x.bin", "ends in"), ("no/x.safetensors", "no folder")):
        with pytest.raises(UsageError, match=words):
            export_lora(lora, tmp_path / file)
    unknown: Any = "onnx"
    with pytest.raises(UsageError, match="kohya or diffusers"):
        export_lora(lora, tmp_path / "y.safetensors", unknown)

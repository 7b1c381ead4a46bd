"""One file in Stable Diffusion v1's keys: the same tensors there and back, by two renamings that are not ours."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.checkpoints.stable_diffusion import to_ldm, write_diffusers_folder

from impasto.checkpoints.export.single_file import export_single_file
from impasto.checkpoints.load import load_components
from impasto.errors import ImpastoError, MissingPart, UsageError


def test_the_names_are_those_of_the_original_and_the_way_back_gives_the_same(
    tiny_parts: dict[str, Any], tiny_diffusers: Path, with_tokenizer: Path
) -> None:
    file = export_single_file(str(tiny_diffusers), with_tokenizer / "one.safetensors")
    written = load_file(file)
    unused = ("alphas_cumprod", "cond_stage_model.transformer.text_model.embeddings.position_ids")
    expected = {name: value for name, value in to_ldm(tiny_parts).items() if name not in unused}
    assert written.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in written.items())
    one, other = load_components(str(file)), load_components(str(tiny_diffusers))
    for part in ("unet", "vae", "text_encoder"):
        ours, theirs = (getattr(each, part).state_dict() for each in (one, other))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert {path.name for path in with_tokenizer.iterdir()} == {"one.safetensors", "tokenizer"}


def test_the_precision_stays_and_former_names_are_read(tiny_diffusers: Path, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(tiny_diffusers, tmp_path / "half"))
    former = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    for part, stem in (("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model"), ("text_encoder", "model")):
        file = folder / part / f"{stem}.safetensors"
        weights = {name: value.half() for name, value in load_file(file).items()}
        if part == "vae":
            for present, name in former.items():
                weights = {key.replace(f"attentions.0.{present}.", f"attentions.0.{name}."): v for key, v in weights.items()}
            assert any(".proj_attn." in key for key in weights)
        save_file(weights, file)
    halved = load_file(export_single_file(str(folder), tmp_path / "half.safetensors"))
    whole = load_file(export_single_file(str(tiny_diffusers), tmp_path / "whole.safetensors"))
    assert halved.keys() == whole.keys()
    assert all(torch.equal(value, whole[name].half()) for name, value in halved.items())


def test_a_pickle_becomes_a_safe_file_of_what_paints(tiny_parts: dict[str, Any], tmp_path: Path) -> None:
    weights = to_ldm(tiny_parts)
    torch.save({"state_dict": {**weights, "model_ema.decay": torch.ones(1)}, "global_step": 7}, tmp_path / "old.ckpt")
    written = load_file(export_single_file(str(tmp_path / "old.ckpt"), tmp_path / "new.safetensors"))
    assert "model_ema.decay" not in written and "alphas_cumprod" not in written
    assert all(torch.equal(value, weights[name]) for name, value in written.items())


def test_other_depths_and_widths_come_back_too(tiny_parts: dict[str, Any], with_tokenizer: Path) -> None:
    """Two residual blocks a level in the U-Net, as published ones have, three in the VAE; a text encoder of three heads."""
    from transformers.models.clip.configuration_clip import CLIPTextConfig
    from transformers.models.clip.modeling_clip import CLIPTextModel

    parts = {
        "unet": tiny_parts["unet"].from_config(
            {**tiny_parts["unet"].config, "layers_per_block": 2, "cross_attention_dim": 192}
        ),
        "vae": tiny_parts["vae"].from_config({**tiny_parts["vae"].config, "layers_per_block": 3}),
        "text_encoder": CLIPTextModel(
            CLIPTextConfig.from_dict(
                {**tiny_parts["text_encoder"].config.to_dict(), "hidden_size": 192, "num_attention_heads": 3}
            )
        ),
    }
    folder = write_diffusers_folder(parts, with_tokenizer / "deep")
    loaded = load_components(str(export_single_file(str(folder), with_tokenizer / "deep.safetensors")))
    for part, module in parts.items():
        expected = {name.removeprefix("text_model."): value for name, value in module.state_dict().items()}
        found = {name.removeprefix("text_model."): v for name, v in getattr(loaded, part).state_dict().items()}
        assert expected.keys() == found.keys()
        assert all(torch.equal(value, expected[name]) for name, value in found.items())


@pytest.mark.parametrize(
    ("part", "key", "value", "message"),
    [
        ("unet", "attention_head_dim", 4, "its unet has attention_head_dim 4"),
        ("vae", "scaling_factor", 0.5, "its vae has scaling_factor 0.5"),
        ("text_encoder", "hidden_act", "gelu", "its text_encoder has hidden_act 'gelu'"),
        ("scheduler", "prediction_type", "v_prediction", "its schedule has prediction_type 'v_prediction'"),
    ],
)
def test_what_the_file_could_not_say_is_refused(
    part: str, key: str, value: object, message: str, tiny_parts: dict[str, Any], tmp_path: Path
) -> None:
    folder = write_diffusers_folder(tiny_parts, tmp_path / "odd")
    name = "scheduler_config.json" if part == "scheduler" else "config.json"
    config = folder / part / name
    config.write_text(json.dumps({**json.loads(config.read_text()), key: value}))
    with pytest.raises(ImpastoError, match=message) as error:
        export_single_file(str(folder), tmp_path / "odd.safetensors")
    assert "\n" not in str(error.value) and not (tmp_path / "odd.safetensors").exists()


def test_bad_requests(tiny_pocket: Path, tiny_diffusers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out.safetensors"
    with pytest.raises(ImpastoError, match=r"not of Stable Diffusion v1's shape.*its text encoder is no CLIP"):
        export_single_file(str(tiny_pocket), out)
    with pytest.raises(UsageError, match=r"ends in \.safetensors"):
        export_single_file(str(tiny_diffusers), tmp_path / "out.ckpt")
    with pytest.raises(UsageError, match="no folder"):
        export_single_file(str(tiny_diffusers), tmp_path / "nowhere" / "out.safetensors")
    with pytest.raises(MissingPart):
        export_single_file(str(tmp_path / "nowhere"), out)
    out.write_bytes(b"precious")
    with pytest.raises(UsageError, match="there already"):
        export_single_file(str(tiny_diffusers), out)
    assert out.read_bytes() == b"precious"
    monkeypatch.setattr("safetensors.torch.serialize_file", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space")))
    with pytest.raises(ImpastoError, match="cannot be written: No space"):
        export_single_file(str(tiny_diffusers), tmp_path / "full.safetensors")
    assert {path.name for path in tmp_path.iterdir()} <= {"out.safetensors", "cache", "hub"}

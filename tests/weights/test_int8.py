"""Weights as int8: what they lose, that fp16 holds what is left, and that such a checkpoint is one like any other."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from impasto.checkpoints.export.diffusers import export_checkpoint
from impasto.checkpoints.listing import inspect_checkpoint
from impasto.checkpoints.load import load_components
from impasto.errors import ImpastoError
from impasto.weights import int8 as int8_weights
from impasto.weights.files import read_model_weights
from impasto.weights.header import count_parameters, is_int8, weight_files
from impasto.weights.int8 import STEM, dequantize, quantize, save_int8


def drawn() -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    sizes = torch.logspace(-9, 4, 40).view(-1, 1, 1, 1)
    return {
        "conv.weight": torch.randn(40, 3, 3, 3, generator=draw) * sizes,
        "zero.weight": torch.zeros(4, 5),
        "norm.scale": torch.randn(7, generator=draw),
        "steps": torch.tensor([3]),
    }


def test_a_weight_comes_back_to_within_half_a_level() -> None:
    state = drawn()
    kept = quantize(state)
    assert {name: value.dtype for name, value in kept.items()} == {
        "conv.weight": torch.int8,
        "conv.weight.scale": torch.float16,
        "zero.weight": torch.int8,
        "zero.weight.scale": torch.float16,
        "norm.scale": torch.float16,
        "steps": torch.int64,
    }
    again = dequantize(kept, torch.float32)
    assert again.keys() == state.keys() and again["zero.weight"].eq(0).all()
    scale = kept["conv.weight.scale"].float()
    error = (again["conv.weight"] - state["conv.weight"]).abs().flatten(1).amax(1)
    assert (error <= scale * 0.501).all()
    largest = state["conv.weight"].abs().flatten(1).amax(1)
    coarsest = (largest / 127 * 1.125).clamp(min=2.0**-24)  # four significant bits, of fp16's numbers
    assert (scale[largest > 1e-3] <= coarsest[largest > 1e-3] * 1.0001).all()


def test_fp16_holds_every_weight_exactly() -> None:
    kept = quantize(drawn())
    exact, half = dequantize(kept, torch.float32), dequantize(kept)
    assert all(torch.equal(half[name].float(), exact[name].float()) for name in ("conv.weight", "norm.scale"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 70_000.0])
def test_what_is_no_number_in_fp16_is_refused(value: float) -> None:
    with pytest.raises(ImpastoError, match=r"the weights a\.weight"):
        quantize({"a.weight": torch.tensor([[1.0, value]])})


def packed(tiny_pocket: Path, folder: Path) -> Path:
    """The tiny checkpoint with U-Net and VAE in int8."""
    shutil.copytree(tiny_pocket, folder)
    loaded = load_components(str(tiny_pocket))
    for part, model in (("unet", loaded.unet), ("vae", loaded.vae)):
        shutil.rmtree(folder / part)
        save_int8(model, folder / part)
        assert sorted(path.name for path in (folder / part).iterdir()) == ["config.json", f"{STEM}.int8.safetensors"]
    return folder


def test_such_a_checkpoint_loads_lists_and_exports(tiny_pocket: Path, tmp_path: Path) -> None:
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

    folder = packed(tiny_pocket, tmp_path / "packed")
    before, loaded = load_components(str(tiny_pocket)), load_components(str(folder))
    formers, unet, vae = before.unet.state_dict(), loaded.unet.state_dict(), loaded.vae.state_dict()
    for name, value in unet.items():
        former = formers[name]
        assert value.dtype == torch.float32 and (value - former).abs().max() <= former.abs().max() / 220
    info, plain = inspect_checkpoint(str(folder)), inspect_checkpoint(str(tiny_pocket))
    assert info.parameters == plain.parameters and info.content_hash == loaded.content_hash != plain.content_hash
    assert info.bytes < 0.8 * plain.bytes

    exported = export_checkpoint(str(folder), tmp_path / "exported")
    assert not list(exported.rglob("*int8*"))
    again = load_components(str(exported))
    pipeline = StableDiffusionPipeline.from_pretrained(exported)
    for ours, theirs in ((unet, again.unet), (unet, pipeline.unet), (vae, again.vae)):
        others = theirs.state_dict()
        assert all(torch.equal(value, others[name]) for name, value in ours.items())


def test_large_models_lie_in_several_files(tiny_pocket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unet = load_components(str(tiny_pocket)).unet
    monkeypatch.setattr(int8_weights, "SHARD_BYTES", 30_000)
    save_int8(unet, tmp_path / "many")
    files = weight_files(tmp_path / "many", STEM)
    assert len(files) > 2 and all(is_int8(file) for file in files)
    assert all(file.stat().st_size < 60_000 for file in files)
    assert count_parameters(files) == sum(parameter.numel() for parameter in unet.parameters())
    monkeypatch.undo()
    save_int8(unet, tmp_path / "one")
    one, many = read_model_weights(tmp_path / "one", STEM), read_model_weights(tmp_path / "many", STEM)
    assert one.keys() == many.keys() and all(torch.equal(one[name], many[name]) for name in one)


def test_a_file_without_its_scales_is_named(tiny_pocket: Path, tmp_path: Path) -> None:
    folder = packed(tiny_pocket, tmp_path / "packed")
    file = folder / "unet" / f"{STEM}.int8.safetensors"
    weights = {name: value for name, value in load_file(file).items() if name != "conv_in.weight.scale"}
    save_file(weights, file, {"format": "impasto-int8"})
    with pytest.raises(ImpastoError, match=r"int8\.safetensors: the int8 weights conv_in\.weight lack their scales"):
        load_components(str(folder))


def test_the_guide_belongs_to_the_checkpoint(tiny_pocket: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_pocket, tmp_path / "with-guide"))
    save_int8(load_components(str(tiny_pocket)).unet, folder / "guide")
    (folder / "painting.json").write_text(json.dumps({"guidance": 2.5}))
    assert load_components(str(folder)).content_hash == inspect_checkpoint(str(folder)).content_hash
    assert inspect_checkpoint(str(folder)).content_hash != inspect_checkpoint(str(tiny_pocket)).content_hash
    exported = export_checkpoint(str(folder), tmp_path / "exported")
    assert (exported / "guide" / f"{STEM}.safetensors").is_file() and (exported / "painting.json").is_file()

"""One file in the Stable Diffusion v1 key layout against the same weights in a diffusers folder."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.checkpoints.stable_diffusion import to_ldm

from impasto.checkpoints.load import load_components
from impasto.errors import ImpastoError, MissingPart


@pytest.fixture(scope="session")
def ldm(tiny_parts: dict[str, Any]) -> dict[str, torch.Tensor]:
    return to_ldm(tiny_parts)


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
def test_both_layouts_give_the_same(
    suffix: str, ldm: dict[str, torch.Tensor], tiny_diffusers: Path, with_tokenizer: Path
) -> None:
    file = with_tokenizer / f"tiny{suffix}"
    if suffix == ".ckpt":
        torch.save({"state_dict": ldm, "global_step": 7}, file)
    else:
        save_file(ldm, file)
    one, other = load_components(str(file)), load_components(str(tiny_diffusers))
    for part in ("unet", "vae", "text_encoder"):
        ours, theirs = (getattr(each, part).state_dict() for each in (one, other))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    texts = ["a red boat", ""]
    states = one.encode_text(texts)
    assert states.shape == (2, 77, 64)
    assert torch.allclose(states, other.encode_text(texts), atol=1e-6)
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(2, 4, 8, 8, generator=generator)
    picture = torch.randn(1, 3, 32, 32, generator=generator)
    with torch.no_grad():
        for step in (0, 500, 999):
            ours, theirs = (each.unet(latents, step, states).sample for each in (one, other))
            assert torch.allclose(ours, theirs, atol=1e-6)
        assert torch.allclose(one.vae.decode(latents).sample, other.vae.decode(latents).sample, atol=1e-6)
        ours, theirs = (each.vae.encode(picture).latent_dist.mean for each in (one, other))
        assert torch.allclose(ours, theirs, atol=1e-6)
    assert one.vae.config["scaling_factor"] == pytest.approx(0.18215)
    assert one.scheduler_config["prediction_type"] == "epsilon" and one.default_size == 512


def test_half_precision_and_older_clip_names(ldm: dict[str, torch.Tensor], with_tokenizer: Path) -> None:
    file = with_tokenizer / "half.safetensors"
    flat = {
        name.replace("transformer.text_model.", "transformer."): value.half()
        if value.is_floating_point()
        else value
        for name, value in ldm.items()
    }
    save_file(flat, file)
    loaded = load_components(str(file))
    expected = ldm["model.diffusion_model.input_blocks.0.0.weight"].half().float()
    assert torch.equal(loaded.unet.conv_in.weight, expected)
    assert loaded.encode_text(["x"]).dtype == torch.float32


def test_without_a_vocabulary_it_says_what_to_put_where(ldm: dict[str, torch.Tensor], tmp_path: Path) -> None:
    save_file(ldm, tmp_path / "tiny.safetensors")
    with pytest.raises(MissingPart, match=r"put vocab.json and merges.txt of openai/clip.* into .*tokenizer"):
        load_components(str(tmp_path / "tiny.safetensors"))


class Evil:
    """A pickle that makes a file where it is loaded carelessly."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_hostile_pickle_is_refused_and_runs_nothing(zipped: bool, with_tokenizer: Path) -> None:
    file, trace = with_tokenizer / "evil.ckpt", with_tokenizer / "trace"
    content = {"state_dict": {"model.diffusion_model.x": Evil(trace)}}
    if zipped:
        torch.save(content, file)
    else:
        file.write_bytes(pickle.dumps(content))
    with pytest.raises(ImpastoError, match=r"evil\.ckpt is refused") as error:
        load_components(str(file))
    assert "\n" not in str(error.value)
    assert not trace.exists()


def test_a_hostile_pickle_in_a_folder_is_refused(spoilt: Path, tmp_path: Path) -> None:
    (spoilt / "unet/diffusion_pytorch_model.safetensors").unlink()
    torch.save({"conv_in.weight": Evil(tmp_path / "trace")}, spoilt / "unet/diffusion_pytorch_model.bin")
    with pytest.raises(ImpastoError, match="is refused"):
        load_components(str(spoilt))
    assert not (tmp_path / "trace").exists()


def _without(ldm: dict[str, torch.Tensor], *prefixes: str) -> dict[str, torch.Tensor]:
    return {name: value for name, value in ldm.items() if not name.startswith(prefixes)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: _without(w, "first_stage_model."), "holds no VAE"),
        (lambda w: _without(w, "cond_stage_model."), "holds no CLIP"),
        (lambda w: _without(w, "model.diffusion_model.middle_block.1.proj_in"), "is missing"),
        (lambda w: _without(w, "model.diffusion_model.input_blocks.1.0.in_layers.0"), "lacks the weights"),
        (lambda w: _without(w, "first_stage_model.decoder.mid.attn_1.q.weight"), "lacks the weights"),
        (lambda w: {**w, "conditioner.embedders.0.x": torch.ones(1)}, "Stable Diffusion XL"),
        (lambda w: {**w, "cond_stage_model.model.x": torch.ones(1)}, "v2 layout"),
        (lambda w: {"lora_unet_x.lora_up.weight": torch.ones(1)}, "LoRA"),
        (lambda w: {"down_blocks.0.resnets.0.conv1.weight": torch.ones(1)}, "one part of a diffusers folder"),
        (lambda w: {"unrelated": torch.ones(1)}, "holds no U-Net"),
        (lambda w: {}, "holds no U-Net"),
        (
            lambda w: {**w, "model.diffusion_model.input_blocks.0.0.weight": torch.ones(32, 9, 3, 3)},
            "only inpaints: use impasto inpaint --method model",
        ),
        (lambda w: {**w, "model.diffusion_model.out.0.weight": torch.ones(31)}, "has shape"),
    ],
)
def test_other_files_are_told_apart(
    change: Any, message: str, ldm: dict[str, torch.Tensor], with_tokenizer: Path
) -> None:
    file = with_tokenizer / "other.safetensors"
    save_file(change(ldm), file)
    with pytest.raises(ImpastoError, match=message) as error:
        load_components(str(file))
    assert "other.safetensors" in str(error.value) and "\n" not in str(error.value)


def test_damaged_files(ldm: dict[str, torch.Tensor], with_tokenizer: Path) -> None:
    file = with_tokenizer / "cut.safetensors"
    save_file(ldm, file)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ImpastoError, match=r"cut\.safetensors is cut short"):
        load_components(str(file))
    pickled = with_tokenizer / "cut.ckpt"
    torch.save(ldm, pickled)
    pickled.write_bytes(pickled.read_bytes()[:5000])
    with pytest.raises(ImpastoError, match=r"cut\.ckpt"):
        load_components(str(pickled))
    torch.save([1, 2], pickled)
    with pytest.raises(ImpastoError, match="holds no weights"):
        load_components(str(pickled))

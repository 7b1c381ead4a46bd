import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from PIL import Image
from tests.training.drawn import draw_catalogue, draw_landscape
from tests.training.pocket.test_phases import SMALL, TINY

from impasto.checkpoints.load import load_components
from impasto.checkpoints.memory import MemoryEncoder
from impasto.errors import ImpastoError
from impasto.training.losses.text_whitening import TextWhitening
from impasto.training.methods.autoencoder import posterior_of, to_tensor
from impasto.training.methods.denoiser import make_unet
from impasto.training.pocket import phases
from impasto.training.pocket.begin_from import begin_from
from impasto.training.pocket.carry_over import carry_over
from impasto.training.pocket.denoiser_run import make_task
from impasto.training.pocket.double_size import double_autoencoder
from impasto.training.pocket.machine import PLAIN_CPU
from impasto.training.pocket.pack.begin import begin_run, choices_to_go_on, memory_of
from impasto.training.pocket.phases import PocketRequest, train_phases
from impasto.training.pocket.prepare import prepare
from impasto.training.recipes.pocket import load_autoencoder, load_training_pixels


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[PocketRequest, Path]:
    folder = tmp_path_factory.mktemp("begin")
    catalogue = draw_catalogue(folder / "catalogue", count=12)
    request = PocketRequest(catalogue, steps=4, size=64, decoder=False, aligned=False, perceptual=False, choices=TINY)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(phases, "CHOICES", SMALL)
        checkpoint = train_phases(request, folder / "run", PLAIN_CPU)
    torch.manual_seed(3)  # four steps leave the last layers at zero: here every weight counts
    unet: Any = UNet2DConditionModel.from_pretrained(checkpoint / "unet", low_cpu_mem_usage=False)
    with torch.no_grad():
        for name, weight in unet.named_parameters():
            if "norm1" not in name or "add_embedding" not in name:  # training keeps that one
                weight += 0.05 * torch.randn_like(weight)
    unet.save_pretrained(checkpoint / "unet", safe_serialization=True)
    return request, checkpoint


def test_a_run_begins_with_what_the_checkpoint_predicts(trained: tuple[PocketRequest, Path], tmp_path: Path) -> None:
    request, checkpoint = trained
    begin_from(str(checkpoint), tmp_path)
    choices = choices_to_go_on(tmp_path, replace(TINY, unet=PocketRequest(Path()).choices.unet))
    assert choices.unet == TINY.unet
    parts = load_components(str(checkpoint), device=torch.device("cpu"), dtype=torch.float32)
    fitted = memory_of(tmp_path / "begin")
    prepared = prepare(request.catalogue, parts.vae, 64, choices, PLAIN_CPU, aligned=False, fitted=fitted)
    task = make_task(prepared, choices, PLAIN_CPU, seed=5)
    begin_run(task, tmp_path / "begin", tmp_path, seed=5)
    latents, times = torch.randn(3, 4, 8, 8), torch.tensor([10, 400, 900])
    states = task.data.states[:3].float()
    assert parts.memory is not None
    codes = parts.memory.codes[:3, None]
    with torch.inference_mode():
        plain = torch.cat([states, parts.memory.encoder(codes)], dim=1)
        wanted = parts.unet(latents, times, plain, return_dict=False)[0]
        own = torch.cat([task.whitening(states), task.memory(codes)], dim=1)
        found = task.unet(latents, times, own, return_dict=False)[0]
    assert wanted.std() > 0.01
    assert (found - wanted).abs().max() < 0.02 * wanted.std()  # the weights came in fp16
    saved = torch.load(tmp_path / "state-000000000.pt", weights_only=True)
    assert saved["step"] == 0
    average = saved["averages"]["unet"]["module.conv_in.weight"]
    assert torch.equal(average, task.unet.conv_in.weight.detach())


def test_training_goes_on_from_it(trained: tuple[PocketRequest, Path], tmp_path: Path) -> None:
    request, checkpoint = trained
    begin_from(str(checkpoint), tmp_path)
    begun = (tmp_path / "begin" / "weights-0.bin").read_bytes()
    again = replace(request, choices=choices_to_go_on(tmp_path, TINY))
    made = train_phases(again, tmp_path, PLAIN_CPU)
    before = load_components(str(checkpoint), device=torch.device("cpu"), dtype=torch.float32).unet.state_dict()
    after = load_components(str(made), device=torch.device("cpu"), dtype=torch.float32).unet.state_dict()
    apart = max(float((after[name] - before[name]).abs().max()) for name in before)
    assert 0 < apart < 0.05  # four steps away; another random start would be far
    begin_from(str(checkpoint), tmp_path)  # a run that has been begun stays
    assert (tmp_path / "begin" / "weights-0.bin").read_bytes() == begun


def test_a_checkpoint_without_memory_and_choices_gets_an_untrained_memory(
    trained: tuple[PocketRequest, Path], tmp_path: Path
) -> None:
    (other := tmp_path / "other").mkdir()
    for part in trained[1].iterdir():
        if part.name not in ("memory", "choices.json"):
            (other / part.name).symlink_to(part)
    begin_from(str(other), tmp_path / "run")
    begin = tmp_path / "run" / "begin"
    assert memory_of(begin) is None
    choices = choices_to_go_on(tmp_path / "run", TINY)
    assert choices.unet.block_out_channels == TINY.unet.block_out_channels
    prepared = prepare(
        trained[0].catalogue, load_autoencoder(tmp_path / "run" / "autoencoder"), 64, replace(TINY, unet=choices.unet),
        PLAIN_CPU, aligned=False,
    )  # fmt: skip
    task = make_task(prepared, replace(TINY, unet=choices.unet), PLAIN_CPU, seed=5)
    untrained = task.memory.outer.weight.clone()
    begin_run(task, begin, tmp_path / "run", seed=5)
    assert torch.equal(task.memory.outer.weight, untrained)
    before = load_components(str(other), device=torch.device("cpu"), dtype=torch.float32).unet.conv_in.weight
    assert torch.allclose(task.unet.conv_in.weight, before, atol=1e-3)


def test_a_checkpoint_of_another_kind_is_refused(trained: tuple[PocketRequest, Path], tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir()
    for part in trained[1].iterdir():
        if part.name != "unet":
            (other / part.name).symlink_to(part)
    wide: Any = UNet2DConditionModel.from_config(
        {**UNet2DConditionModel.load_config(trained[1] / "unet"), "cross_attention_dim": 64, "addition_embed_type": None}
    )
    wide.save_pretrained(other / "unet", safe_serialization=True)
    with pytest.raises(ImpastoError, match="attends to states 64 wide"):
        begin_from(str(other), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_tokens_unfold_to_what_was_folded() -> None:
    torch.manual_seed(0)
    whitening = TextWhitening(torch.randn(50, TINY.memory.width) * torch.linspace(0.1, 2, TINY.memory.width))
    encoder = MemoryEncoder(TINY.memory, 12)
    before = encoder.outer.weight.clone(), encoder.outer.bias.clone()
    whitening.fold_into_tokens(encoder.outer)
    assert not torch.allclose(encoder.outer.weight, before[0])
    whitening.unfold_from_tokens(encoder.outer)
    assert torch.allclose(encoder.outer.weight, before[0], atol=1e-4)
    assert torch.allclose(encoder.outer.bias, before[1], atol=1e-4)
    unet = make_unet(TINY.unet, 4, 8)
    kept = {name: value.clone() for name, value in unet.state_dict().items()}
    whitening.fold_into(unet)
    whitening.unfold_from(unet)
    for name, value in unet.state_dict().items():
        assert torch.allclose(value, kept[name], atol=1e-3), name


def large_copy(checkpoint: Path, catalogue: Path, out: Path) -> Path:
    """Returns a copy of a checkpoint that paints twice the size on the same latents."""
    shutil.copytree(checkpoint, out)
    squares = np.stack([np.asarray(Image.open(one).resize((128, 128))) for one in sorted(catalogue.glob("*.png"))])
    large = double_autoencoder(load_autoencoder(checkpoint / "vae").float(), squares)
    shutil.rmtree(out / "vae")
    large.save_pretrained(out / "vae")
    return out


def test_training_goes_on_from_one_that_paints_twice_the_size(
    trained: tuple[PocketRequest, Path], tmp_path: Path
) -> None:
    request, checkpoint = trained
    large = large_copy(checkpoint, request.catalogue, tmp_path / "large")
    run = tmp_path / "run"
    begin_from(str(large), run)
    made = train_phases(replace(request, choices=choices_to_go_on(run, TINY)), run, PLAIN_CPU)
    small, begun = load_autoencoder(made / "vae").float(), load_autoencoder(checkpoint / "vae").float()
    assert small.config["sample_size"] == begun.config["sample_size"] == 64
    picture = to_tensor(np.stack([draw_landscape(3, 64, 64)]))
    with torch.no_grad():
        wanted, found = posterior_of(begun, picture).mean, posterior_of(small, picture).mean
    assert float((found - wanted).square().mean()) < 0.05 * float(wanted.var())  # the same latents: the U-Net fits
    kept, given = load_autoencoder(run / "checkpoint-large" / "vae"), load_autoencoder(large / "vae")
    assert kept.config["sample_size"] == 128
    assert torch.equal(kept.decoder.conv_out.weight, given.decoder.conv_out.weight.half())


def test_one_that_paints_twice_the_size_is_carried_over_to_other_latents(
    trained: tuple[PocketRequest, Path], tmp_path: Path
) -> None:
    request, checkpoint = trained
    large = large_copy(checkpoint, request.catalogue, tmp_path / "large")
    _, pixels = load_training_pixels(request.catalogue, 64, lambda *_: None)
    same = load_autoencoder(checkpoint / "vae").float()
    fits = carry_over(str(large), same, pixels, TINY, tmp_path / "run")
    assert min(fits["kept"]) > 0.95

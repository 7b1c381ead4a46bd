"""A denoiser is carried over to other latents: here the same latents with their channels in another order and sign."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.pocket.test_begin_from import trained  # noqa: F401  # a fixture
from tests.training.pocket.test_phases import TINY

from impasto.checkpoints.load import load_components
from impasto.errors import ImpastoError
from impasto.training.loop.progress import no_report
from impasto.training.pocket.carry_over import carry_over
from impasto.training.pocket.machine import PLAIN_CPU
from impasto.training.pocket.pack.begin import choices_to_go_on, memory_of
from impasto.training.pocket.pack.result import read_weights, states_from_tensors
from impasto.training.pocket.phases import PocketRequest, train_phases
from impasto.training.recipes.pocket import load_training_pixels

ORDER, SIGNS = [2, 0, 3, 1], torch.tensor([1.0, -1.0, 1.0, -1.0])


def turned(vae: Any) -> Any:
    """Returns the autoencoder with the latents' channels in another order and sign."""
    made = deepcopy(vae)
    rows = torch.tensor([*ORDER, *range(4, 8)])
    signs = torch.cat([SIGNS, torch.ones(4)])
    with torch.no_grad():
        last = made.quant_conv if made.quant_conv is not None else made.encoder.conv_out
        last.weight.copy_(last.weight[rows] * signs.view(-1, 1, 1, 1))
        last.bias.copy_(last.bias[rows] * signs)
    return made


def test_it_predicts_what_the_checkpoint_predicts(trained: tuple[PocketRequest, Path], tmp_path: Path) -> None:  # noqa: F811
    request, checkpoint = trained
    parts = load_components(str(checkpoint), device=torch.device("cpu"), dtype=torch.float32)
    _, pixels = load_training_pixels(request.catalogue, 64, no_report)
    fits = carry_over(str(checkpoint), turned(parts.vae), pixels, TINY, tmp_path)
    assert all(value > 0.999 for values in fits.values() for value in values)
    assert choices_to_go_on(tmp_path, TINY).unet == TINY.unet and memory_of(tmp_path / "begin") is None
    state = states_from_tensors(read_weights(tmp_path / "begin")[0])[0]["unet"]
    latents, times, texts = torch.randn(3, 4, 8, 8), torch.tensor([10, 400, 900]), torch.randn(3, 5, 384)
    with torch.inference_mode():
        wanted = parts.unet(latents, times, texts, return_dict=False)[0]
        parts.unet.load_state_dict(state)
        found = parts.unet(latents[:, ORDER] * SIGNS.view(-1, 1, 1), times, texts, return_dict=False)[0]
    assert wanted.std() > 0.01
    assert (found - wanted[:, ORDER] * SIGNS.view(-1, 1, 1)).abs().max() < 0.02 * wanted.std()
    assert carry_over(str(checkpoint), parts.vae, pixels, TINY, tmp_path) == {}  # a run that has been begun stays


def test_a_run_trains_it_further_with_a_new_memory(trained: tuple[PocketRequest, Path], tmp_path: Path) -> None:  # noqa: F811
    request, checkpoint = trained
    vae = load_components(str(checkpoint), device=torch.device("cpu"), dtype=torch.float32).vae
    turned(vae).save_pretrained(tmp_path / "autoencoder")
    said: list[str] = []
    carried = PocketRequest(
        request.catalogue, steps=2, size=64, decoder=False, aligned=False, perceptual=False, choices=TINY,
        autoencoder=tmp_path / "autoencoder", carried=str(checkpoint),
    )  # fmt: skip
    made = train_phases(carried, tmp_path / "run", PLAIN_CPU, on_progress=lambda what, *_: said.append(what))
    assert any(line.startswith("carried over to other latents") and "known 1.00 1.00 1.00 1.00" in line for line in said)
    before = load_components(str(checkpoint), device=torch.device("cpu"), dtype=torch.float32).unet.state_dict()
    after = load_components(str(made), device=torch.device("cpu"), dtype=torch.float32)
    assert after.memory is not None and len(after.memory.works) == 11  # one of the 12 is held out
    name = "mid_block.resnets.0.conv1.weight"
    assert 0 < float((after.unet.state_dict()[name] - before[name]).abs().max()) < 0.05


def test_another_factor_is_refused(trained: tuple[PocketRequest, Path], tmp_path: Path) -> None:  # noqa: F811
    _, checkpoint = trained
    from impasto.training.methods.autoencoder import AutoencoderChoices, make_autoencoder

    other = make_autoencoder(AutoencoderChoices(latent_channels=4, block_out_channels=(16, 24, 32)), 64)
    _, pixels = load_training_pixels(trained[0].catalogue, 64, no_report)
    with pytest.raises(ImpastoError, match="another factor"):
        carry_over(str(checkpoint), other, pixels, TINY, tmp_path / "run")
    assert not (tmp_path / "run").exists()

"""Pocket's decoder for pictures of twice the size: what it learns from, and a whole run, stopped and continued."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.training.drawn import draw_landscape
from tests.training.pocket.tiny_pocket import CPU

from impasto.checkpoints.components import Components
from impasto.data.caches.pixels import Pixels, prepare_pixels
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError
from impasto.settings import cache_folder
from impasto.training.methods.autoencoder import AutoencoderChoices, make_autoencoder
from impasto.training.methods.denoiser import DenoiserChoices, make_schedule, make_unet
from impasto.training.pocket.decoder import DecoderChoices, PocketDecoderTask
from impasto.training.pocket.decoder_pairs import STEPS, DecoderPairs, denoised_latents, true_latents
from impasto.training.pocket.decoder_run import train_pocket_decoder
from impasto.training.pocket.texts import PictureWords

SMALL = DecoderChoices(crop=3, crop_batch=2, adversarial_from=0.3, adversarial_full=0.6)


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """23 pictures of 64 px, of which some are held out, and one that is too small."""
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    torch.set_num_threads(1)
    folder = tmp_path / "catalogue"
    folder.mkdir()
    lines = []
    for number in range(24):
        side = 40 if number == 0 else 64
        draw_landscape(number, side, side).save(folder / f"{number}.png")
        lines.append(json.dumps({"file_name": f"{number}.png", "artist": "Claude Monet", "title": f"Sun {number}"}))
    (folder / "metadata.jsonl").write_text("\n".join(lines), "utf-8")
    return folder


@pytest.fixture
def autoencoder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    choices = AutoencoderChoices(block_out_channels=(16, 24, 32, 48), latent_channels=4)
    make_autoencoder(choices, 32).save_pretrained(tmp_path / "f8")
    return tmp_path / "f8"


def _pixels(catalogue: Path) -> Pixels:
    return prepare_pixels(read_catalogue(catalogue).entries[1:7], 64, cache_folder())[0]


def _components(channels: int = 4, side: int = 4) -> Components:
    torch.manual_seed(0)
    shape = DenoiserChoices(block_out_channels=(32, 32), head_width=16, text_width=8, pooling_heads=0)
    unet = make_unet(shape, channels, side)
    vae = make_autoencoder(AutoencoderChoices(block_out_channels=(16, 24, 32, 48), latent_channels=channels), 32)
    schedule = json.loads(make_schedule(DenoiserChoices()).to_json_string())

    class Parts(Components):
        def encode_text(self, texts: list[str]) -> torch.Tensor:
            return torch.zeros(len(texts), 3, 8)

    return Parts("tiny", "0" * 64, vae, unet, torch.nn.Identity(), None, schedule)


def test_answers_are_made_once_and_are_near_what_was_noised(catalogue: Path, autoencoder: Path) -> None:
    from impasto.training.recipes.pocket import load_autoencoder

    pixels, small = _pixels(catalogue), load_autoencoder(autoencoder)
    true = true_latents(pixels, small, CPU)
    assert true.shape == (6, 2, 4, 4, 4) and true.dtype == np.float16
    assert not np.array_equal(true[:, 0], true[:, 1])
    words = [PictureWords(entry) for entry in pixels.entries]
    answers = denoised_latents(pixels, true, words, _components(), CPU)
    assert answers.shape == (6, len(STEPS), 4, 4, 4)
    # An untrained U-Net says v = 0, for which the answer is the signal's share of what is noisy.
    clean = np.stack([true[:, which % 2] for which in range(len(STEPS))], axis=1).astype(np.float32)
    assert 0 < np.square(answers - clean).mean() < 1
    again = denoised_latents(pixels, true, words, _components(), CPU, lambda what, share, _: pytest.fail("made again"))
    assert np.array_equal(answers, again)
    with pytest.raises(ImpastoError, match="8x4x4"):
        denoised_latents(pixels, true, words, _components(8), CPU)


def test_a_crop_is_compared_with_its_own_place(catalogue: Path, autoencoder: Path) -> None:
    from impasto.training.pocket.double_size import double_autoencoder
    from impasto.training.recipes.pocket import load_autoencoder

    pixels, small = _pixels(catalogue), load_autoencoder(autoencoder)
    pairs = DecoderPairs(pixels, true_latents(pixels, small, CPU))
    large = double_autoencoder(small, pixels.batch(np.arange(6)))
    task = PocketDecoderTask(large, pairs, replace(SMALL, crop_batch=6), CPU, seed=0, perceptual=False)
    # Latents that hold their own row and column, and pictures that hold those of the latent above each pixel.
    place = torch.stack(torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing="ij"))
    latents = place.expand(6, 2, 4, 4)
    pictures = latents.repeat_interleave(16, 2).repeat_interleave(16, 3)
    for _ in range(20):
        cut, wanted, places = task._cropped(latents, pictures)
        assert cut.shape[2:] == (3, 3) and wanted.shape[2:] == (16, 16)
        seen = cut.repeat_interleave(16, 2).repeat_interleave(16, 3)
        for one, picture, (y, x) in zip(seen, wanted, places, strict=True):
            assert torch.equal(one[:, y : y + 16, x : x + 16], picture)


def test_a_run_keeps_the_latents_and_goes_on_where_it_was(catalogue: Path, autoencoder: Path, tmp_path: Path) -> None:
    asked = {"n": 0}

    def third() -> bool:
        asked["n"] += 1
        return asked["n"] == 3

    def run(name: str, **more: object) -> Path:
        return train_pocket_decoder(
            catalogue, autoencoder, None, tmp_path / name, CPU, steps=8, choices=SMALL, perceptual=False,
            **more,  # type: ignore[arg-type]
        )  # fmt: skip

    whole = load_file(run("whole") / "diffusion_pytorch_model.safetensors")
    with pytest.raises(KeyboardInterrupt):
        run("stopped", should_stop=third)
    continued = load_file(run("stopped") / "diffusion_pytorch_model.safetensors")
    assert all(torch.equal(whole[name], continued[name]) for name in whole)
    began = load_file(tmp_path / "whole" / "start" / "diffusion_pytorch_model.safetensors")
    inner = [name for name in began if name.startswith(("encoder.", "quant_conv."))]
    assert all(torch.equal(began[name], whole[name]) for name in inner)
    assert any(not torch.equal(began[name], whole[name]) for name in began if name.startswith("decoder."))
    report = json.loads((tmp_path / "whole" / "report.json").read_text())
    assert report["latents_error"] < 0.01 and report["pictures"] + report["held_out"] == 23
    further = run("further", begin_from=tmp_path / "whole" / "autoencoder")
    began = load_file(tmp_path / "further" / "start" / "diffusion_pytorch_model.safetensors")
    assert all(torch.equal(began[name], whole[name]) for name in whole) and further.is_dir()


def test_small_pictures_are_refused(tmp_path: Path, catalogue: Path, autoencoder: Path) -> None:
    for file in catalogue.glob("*.png"):
        draw_landscape(1, 40, 40).save(file)
    with pytest.raises(ImpastoError, match="64 px or more"):
        train_pocket_decoder(catalogue, autoencoder, None, tmp_path / "run", CPU, steps=1)

"""The whole of pocket's making on drawn pictures: autoencoder, denoiser, a checkpoint folder; resumed on the way."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers.models.autoencoders.vq_model import VQModel
from safetensors.torch import load_file
from tests.training.drawn import draw_catalogue

from impasto.data.catalogue.read import CatalogueEntry
from impasto.errors import ImpastoError, UsageError
from impasto.training.examples.training_set import latents_key, text_variants
from impasto.training.methods.autoencoder import AutoencoderChoices
from impasto.training.methods.denoiser import DenoiserChoices
from impasto.training.recipes.pocket import train_autoencoder, train_decoder
from impasto.training.recipes.pocket_denoiser import train_denoiser

TINY_AUTOENCODER = AutoencoderChoices(
    block_out_channels=(16, 24, 32, 48), crop=32, crop_batch=2, picture_batch=1, perceptual_from=2.0
)
TINY_DENOISER = DenoiserChoices(block_out_channels=(32, 32), head_width=16, batch=2)


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    return draw_catalogue(tmp_path / "catalogue", count=12)


def test_from_pictures_to_a_checkpoint(catalogue: Path, tmp_path: Path) -> None:
    autoencoder = train_autoencoder(catalogue, tmp_path / "ae", steps=4, size=32, choices=TINY_AUTOENCODER, perceptual=False)
    assert json.loads((tmp_path / "ae" / "report.json").read_text())["pictures"] > 0
    decoder = train_decoder(
        catalogue, autoencoder, tmp_path / "decoder", steps=2, size=32, choices=TINY_AUTOENCODER, perceptual=False
    )
    before, after = (load_file(f / "diffusion_pytorch_model.safetensors") for f in (autoencoder, decoder))
    assert all(torch.equal(before[k], after[k]) for k in before if k.startswith(("encoder.", "quant_conv.")))
    assert any(not torch.equal(before[k], after[k]) for k in before if k.startswith("decoder."))

    calm = train_denoiser(catalogue, decoder, tmp_path / "calm", steps=6, size=32, choices=TINY_DENOISER)
    names = {str(path.relative_to(calm)) for path in calm.rglob("*") if path.is_file()}
    assert {
        "model_index.json",
        "artists.json",
        "unet/config.json",
        "vae/config.json",
        "scheduler/scheduler_config.json",
    } <= names
    weights = load_file(next((calm / "unet").glob("*.safetensors")))
    assert {value.dtype for value in weights.values()} == {torch.float16}
    artists = json.loads((calm / "artists.json").read_text("utf-8"))
    assert artists[0]["works"] >= artists[-1]["works"] > 0
    again = train_denoiser(catalogue, decoder, tmp_path / "again", steps=6, size=32, choices=TINY_DENOISER)
    others = load_file(next((again / "unet").glob("*.safetensors")))
    assert all(torch.equal(weights[key], others[key]) for key in weights)
    further = train_denoiser(
        catalogue, decoder, tmp_path / "further", steps=1, size=32, choices=TINY_DENOISER, begin_from=calm
    )
    nearby = load_file(next((further / "unet").glob("*.safetensors")))
    started = train_denoiser(catalogue, decoder, tmp_path / "started", steps=1, size=32, choices=TINY_DENOISER)
    untrained = load_file(next((started / "unet").glob("*.safetensors")))

    def distance(some: dict[str, torch.Tensor]) -> float:
        return sum((some[key].float() - weights[key].float()).abs().sum().item() for key in weights)

    assert 0 < distance(nearby) < 0.5 * distance(untrained)
    deaf = replace(TINY_DENOISER, pooling_heads=0)
    plain = train_denoiser(catalogue, decoder, tmp_path / "plain", steps=1, size=32, choices=deaf)
    pooled = train_denoiser(
        catalogue, decoder, tmp_path / "pooled", steps=1, size=32, choices=TINY_DENOISER, begin_from=plain
    )
    assert any("add_embedding.pool" in key for key in load_file(next((pooled / "unet").glob("*.safetensors"))))
    with pytest.raises(ImpastoError, match=r"--from .*nowhere holds no U-Net"):
        train_denoiser(catalogue, decoder, tmp_path / "x", steps=1, size=32, begin_from=tmp_path / "nowhere")
    with pytest.raises(ImpastoError, match="does not fit this recipe"):
        train_denoiser(catalogue, decoder, tmp_path / "x", steps=1, size=32, begin_from=calm)


def test_an_autoencoder_with_a_codebook_resumes_and_is_refused_by_a_denoiser(catalogue: Path, tmp_path: Path) -> None:
    choices = replace(TINY_AUTOENCODER, regularisation="vq", codebook=32, attention=True)

    def train(run: str, should_stop: Callable[[], bool] = lambda: False) -> dict[str, torch.Tensor]:
        made = train_autoencoder(
            catalogue, tmp_path / run, steps=4, size=32, choices=choices, perceptual=False, should_stop=should_stop
        )
        assert VQModel.from_pretrained(made, local_files_only=True).config["num_vq_embeddings"] == 32
        return load_file(made / "diffusion_pytorch_model.safetensors")

    whole, asked = train("whole"), itertools.count()
    with pytest.raises(KeyboardInterrupt):
        train("resumed", lambda: next(asked) == 2)
    resumed = train("resumed")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    report = json.loads((tmp_path / "whole" / "report.json").read_text())
    assert 1 < report["used_codes"] <= 32 and report["held_out_psnr_db"] > 10
    for wants in (train_denoiser, train_decoder):
        with pytest.raises(ImpastoError, match="codebook"):
            wants(catalogue, tmp_path / "whole" / "autoencoder", tmp_path / "x", steps=1, size=32)


def test_the_latents_key_is_the_encoders(catalogue: Path, tmp_path: Path) -> None:
    from impasto.training.methods.autoencoder import make_autoencoder

    torch.manual_seed(0)
    model = make_autoencoder(TINY_AUTOENCODER, 32)
    key = latents_key(model)
    with torch.no_grad():
        model.decoder.conv_out.weight += 1
    assert latents_key(model) == key
    with torch.no_grad():
        model.encoder.conv_out.weight += 1
    assert latents_key(model) != key


def test_texts_vary_but_are_the_same_in_every_run() -> None:
    entries = [
        CatalogueEntry(
            file=Path(f"{n}.png"), file_name=f"{n}.png", artist="Claude Monet", title="Boats at sunset", caption="",
            style="Impressionism", genre="marina", year=1872, extra={},
        )
        for n in range(40)
    ]  # fmt: skip
    texts = [text for entry in entries for text in text_variants(entry)]
    assert texts == [text for entry in entries for text in text_variants(entry)]
    assert len(set(texts)) > 8
    assert any("Claude Monet" in text for text in texts) and any("Claude Monet" not in text for text in texts)
    assert all(text.startswith("Boats at sunset") for text in texts)  # what a picture shows is never left out


@pytest.mark.parametrize("size", [0, -32, 100, 2048])
def test_impossible_sizes_are_refused(catalogue: Path, tmp_path: Path, size: int) -> None:
    with pytest.raises(UsageError, match=str(size)):
        train_autoencoder(catalogue, tmp_path / "run", steps=1, size=size)


def test_a_denoiser_without_autoencoder_says_what_to_do(catalogue: Path, tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match="impasto train pocket-autoencoder"):
        train_denoiser(catalogue, tmp_path / "nothing", tmp_path / "run", steps=1, size=32)

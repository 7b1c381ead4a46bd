import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from tests.training.drawn import draw_catalogue

from impasto.checkpoints.load import load_components
from impasto.checkpoints.memory import MemoryConfig
from impasto.training.methods.autoencoder import AutoencoderChoices
from impasto.training.methods.denoiser import DenoiserChoices
from impasto.training.pocket import phases
from impasto.training.pocket.choices import PocketChoices
from impasto.training.pocket.machine import PLAIN_CPU
from impasto.training.pocket.phases import PocketRequest, minutes_of, train_phases

TINY = PocketChoices(
    unet=DenoiserChoices(block_out_channels=(32, 32), head_width=16), memory=MemoryConfig(components=4, hidden=16),
    batch=4, log_every=1, neighbours=3, text_variants=1,
)  # fmt: skip
SMALL = AutoencoderChoices(
    latent_channels=4, block_out_channels=(16, 24, 32, 48), crop=32, crop_batch=2, picture_batch=1, equivariant=True,
    kl_weight=1e-4,
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def small_autoencoder() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phases, "CHOICES", SMALL)
        yield


@pytest.fixture(scope="module")
def request_of(tmp_path_factory: pytest.TempPathFactory) -> PocketRequest:
    catalogue = draw_catalogue(tmp_path_factory.mktemp("drawn") / "catalogue", count=12)
    return PocketRequest(catalogue, steps=4, size=64, aligned=False, perceptual=False, choices=TINY)


@pytest.fixture(scope="module")
def whole(request_of: PocketRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was not stopped; no test may change it."""
    said: list[str] = []
    run = tmp_path_factory.mktemp("whole")
    train_phases(request_of, run, PLAIN_CPU, on_progress=lambda what, *_: said.append(what))
    assert any("skipped the decoder" in line for line in said)  # the pictures are too small for it
    return run


def weights(run: Path) -> dict[str, torch.Tensor]:
    state = torch.load(run / "state-000000004.pt", weights_only=True)
    return state["models"]["unet"]


def test_a_stopped_run_goes_on_to_the_same_weights(request_of: PocketRequest, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "stopped"

    def stops() -> Iterator[bool]:
        yield from (False, True)  # in the autoencoder's second step
        yield from (False, False, False, True)  # two of the autoencoder's, then in the denoiser's second step
        while True:
            yield False

    asked = stops()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train_phases(request_of, run, PLAIN_CPU, should_stop=lambda: next(asked))
    assert not (run / "checkpoint").exists()
    train_phases(request_of, run, PLAIN_CPU, should_stop=lambda: next(asked))
    # Sums in a kernel depend on where its memory begins, by 1e-8; a step of a forgotten optimizer would differ by 1e-4.
    resumed = weights(run)
    for name, value in weights(whole).items():
        assert torch.allclose(value, resumed[name], rtol=0, atol=1e-7), name


def test_what_is_done_is_not_done_again_and_more_steps_go_on(
    request_of: PocketRequest, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = replace(request_of, decoder=False)
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    made = tmp_path / "checkpoint"
    before = (made / "unet" / "config.json").stat().st_mtime_ns
    encoder = (tmp_path / "autoencoder" / "config.json").stat().st_mtime_ns
    with monkeypatch.context() as patched:
        patched.setattr(phases, "prepare", lambda *_, **__: pytest.fail("prepared again"))
        assert train_phases(request, tmp_path, PLAIN_CPU) == made
    assert (made / "unet" / "config.json").stat().st_mtime_ns == before
    train_phases(replace(request, steps=6), tmp_path, PLAIN_CPU)
    assert (tmp_path / "state-000000006.pt").is_file()
    assert (tmp_path / "autoencoder" / "config.json").stat().st_mtime_ns == encoder


def test_an_autoencoder_that_is_given_takes_no_minutes(request_of: PocketRequest, whole: Path, tmp_path: Path) -> None:
    assert minutes_of("autoencoder", 100.0, ("autoencoder", "denoiser", "decoder")) == pytest.approx(20)
    assert minutes_of("denoiser", 80.0, ("denoiser", "decoder")) == pytest.approx(65)
    assert minutes_of("denoiser", None, ("denoiser",)) is None
    given = replace(request_of, decoder=False, autoencoder=whole / "autoencoder")
    train_phases(given, tmp_path, PLAIN_CPU)
    assert not (tmp_path / "phases" / "autoencoder").exists()
    same = [run / "autoencoder" / "diffusion_pytorch_model.safetensors" for run in (whole, tmp_path)]
    assert same[0].read_bytes() == same[1].read_bytes()  # its latents have unit variance already


def test_an_autoencoder_of_other_channels_is_trained_with_and_remembered(request_of: PocketRequest, tmp_path: Path) -> None:
    vae = AutoencoderKL(latent_channels=6, block_out_channels=(32, 32, 32, 32), down_block_types=("DownEncoderBlock2D",) * 4,
                        up_block_types=("UpDecoderBlock2D",) * 4)  # fmt: skip
    vae.save_pretrained(tmp_path / "given")
    made = train_phases(
        replace(request_of, steps=1, decoder=False, autoencoder=tmp_path / "given"), tmp_path / "run", PLAIN_CPU
    )
    parts = load_components(str(made), device=torch.device("cpu"), dtype=torch.float32)
    assert parts.unet.config["in_channels"] == 6
    assert parts.memory is not None and parts.memory.encoder.config.latent_channels == 6

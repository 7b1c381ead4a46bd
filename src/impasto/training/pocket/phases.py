"""Trains pocket from a catalogue, phase by phase: autoencoder, latents, texts and features, denoiser, decoder.

The minutes are divided by `SHARES` among the phases of a run; decoding and encoding pictures and texts do not count. The
output of a phase is in the run's folder, or in the cache by content, and is not made again.
"""

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from impasto.checkpoints.memory import MemoryEncoder
from impasto.errors import ImpastoError
from impasto.files import replace_folder, write_atomically
from impasto.training.loop.progress import Progress, ShouldStop, never, no_report
from impasto.training.methods.autoencoder import AutoencoderChoices
from impasto.training.pocket.autoencoder_run import CHOICES, bring_to_unit, fit_autoencoder, save_autoencoder
from impasto.training.pocket.choices import PocketChoices
from impasto.training.pocket.denoiser_run import train_pocket
from impasto.training.pocket.half_size import at_factor
from impasto.training.pocket.layout import AUTOENCODER, BEGIN, CHECKPOINT, FACTOR, LARGE, LARGE_AUTOENCODER, PHASES
from impasto.training.pocket.machine import Machine
from impasto.training.pocket.prepare import prepare
from impasto.training.recipes.pocket import check_size, load_autoencoder, load_training_pixels, write_report

SHARES = {"autoencoder": 0.20, "denoiser": 0.65, "decoder": 0.15}


def minutes_of(phase: str, minutes: float | None, phases: tuple[str, ...]) -> float | None:
    """Returns a phase's part of the minutes, which are divided among `phases`; None if `minutes` is None."""
    return None if minutes is None else minutes * SHARES[phase] / sum(SHARES[name] for name in phases)


@dataclass(frozen=True)
class PocketRequest:
    """The request for a training of pocket.

    A run that begins from a checkpoint with f = 16 trains the denoiser on the latents of its halved autoencoder, and the
    decoder from there; without a decoder's training, `checkpoint-large` gets the decoder that the run began with.

    Attributes:
        minutes: minutes of all phases together; `steps` (of each phase) may replace them.
        autoencoder: the folder of a trained autoencoder; None trains one.
        carried: a checkpoint whose denoiser is carried over to the latents of `autoencoder`, instead of an untrained one.
        decoder: whether a decoder for pictures of twice the size is trained afterwards.
        aligned, perceptual: whether EfficientNet-Lite2's features are used to train the denoiser and the autoencoder.
    """

    catalogue: Path
    minutes: float | None = None
    steps: int | None = None
    size: int = 128
    seed: int = 0
    autoencoder: Path | None = None
    carried: str | None = None
    decoder: bool = True
    aligned: bool = True
    perceptual: bool = True
    choices: PocketChoices = field(default_factory=PocketChoices)


def train_phases(
    request: PocketRequest,
    run: Path,
    machine: Machine,
    *,
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Runs the phases that are not done yet in `run`, and returns the folder of its checkpoint.

    Raises:
        UsageError, ImpastoError: no pictures, impossible numbers, another run's folder.
        KeyboardInterrupt: `should_stop` returned true; what is done is on disk.
    """
    check_size(request.size)
    own = request.autoencoder is None and not (run / BEGIN).is_dir()
    phases = ("autoencoder",) * own + ("denoiser",) + ("decoder",) * request.decoder
    on_progress(f"begun with {machine.name}", 0.0, {})
    vae = _autoencoder(request, run, machine, minutes_of("autoencoder", request.minutes, phases) if own else None,
                       should_stop, on_progress)  # fmt: skip
    request = replace(request, choices=_for_latents(request.choices, vae))
    if request.carried is not None:
        request = _carry_over(request, request.carried, run, vae, on_progress)
    minutes = minutes_of("denoiser", request.minutes, phases)
    done = run / PHASES / "denoiser.json"
    asked = {"minutes": minutes, "steps": request.steps}
    if not (run / CHECKPOINT).is_dir() or not done.is_file() or json.loads(done.read_text("utf-8")) != asked:
        begin = run / BEGIN if (run / BEGIN).is_dir() else None
        prepared = prepare(
            request.catalogue, vae, request.size, request.choices, machine,
            aligned=request.aligned and begin is None, fitted=_fitted(begin), on_progress=on_progress,
        )  # fmt: skip
        train_pocket(
            prepared, vae, run, request.choices, machine, minutes=minutes, steps=request.steps, seed=request.seed,
            begin_from=begin, should_stop=should_stop, on_progress=on_progress,
        )  # fmt: skip
        done.parent.mkdir(exist_ok=True)
        write_atomically(done, json.dumps(asked).encode())
    if (run / LARGE_AUTOENCODER).is_dir() and not request.decoder:
        _write_large(run, run / LARGE_AUTOENCODER)
    if request.decoder:
        _decoder(request, run, machine, minutes_of("decoder", request.minutes, phases), should_stop, on_progress)
    write_report(run, {"machine": machine.name, "minutes": request.minutes, "phases": list(phases)})
    return run / CHECKPOINT


def _carry_over(
    request: PocketRequest, checkpoint: str, run: Path, vae: AutoencoderKL, on_progress: Progress
) -> PocketRequest:
    """Writes the initial weights, unless they are there, and returns the request with the shape of their networks."""
    from impasto.training.pocket.carry_over import carry_over
    from impasto.training.pocket.pack.begin import choices_to_go_on

    _, pixels = load_training_pixels(request.catalogue, request.size, on_progress)
    fits = carry_over(checkpoint, vae.float(), pixels, request.choices, run)
    if fits:
        told = "; ".join(f"{name} {' '.join(f'{value:.2f}' for value in values)}" for name, values in fits.items())
        on_progress(f"carried over to other latents, share of each channel's variance {told}", 0.0, {})
    return replace(request, choices=choices_to_go_on(run, request.choices))


def _for_latents(choices: PocketChoices, vae: AutoencoderKL) -> PocketChoices:
    """Returns `choices` with a memory whose codes hold the moments of as many channels as the autoencoder's latents have."""
    return replace(choices, memory=replace(choices.memory, latent_channels=vae.config["latent_channels"]))


def _fitted(begin: Path | None) -> MemoryEncoder | None:
    if begin is None:
        return None
    from impasto.training.pocket.pack.begin import memory_of

    return memory_of(begin)


def _autoencoder(
    request: PocketRequest,
    run: Path,
    machine: Machine,
    minutes: float | None,
    should_stop: ShouldStop,
    on_progress: Progress,
) -> AutoencoderKL:
    folder = run / AUTOENCODER
    if (folder / "config.json").is_file():
        return load_autoencoder(folder)
    _, pixels = load_training_pixels(request.catalogue, request.size, on_progress)
    if (run / LARGE_AUTOENCODER).is_dir():
        save_autoencoder(at_factor(load_autoencoder(run / LARGE_AUTOENCODER).float(), FACTOR, pixels), folder)
    elif request.autoencoder is not None:
        given = load_autoencoder(request.autoencoder).float()
        bring_to_unit(given, pixels)
        save_autoencoder(given, folder)
    else:
        made = fit_autoencoder(
            pixels, run / PHASES / "autoencoder", choices_on(machine), machine, minutes=minutes, steps=request.steps,
            seed=request.seed, perceptual=request.perceptual, should_stop=should_stop,
            on_progress=lambda stage, share, losses: on_progress(f"autoencoder, {stage}", share, losses),
        )  # fmt: skip
        torch.nn.Module.to(made, "cpu")
        save_autoencoder(made, folder)
    return load_autoencoder(folder)


def choices_on(machine: Machine) -> AutoencoderChoices:
    """Returns the autoencoder's options: larger batches on machines where a step of small ones costs as much."""
    if machine.device.type == "cpu":
        return CHOICES
    return replace(CHOICES, crop_batch=64, picture_batch=24, learning_rate=1.2e-3, log_every=100)


def _decoder(
    request: PocketRequest,
    run: Path,
    machine: Machine,
    minutes: float | None,
    should_stop: ShouldStop,
    on_progress: Progress,
) -> None:
    """Trains a decoder for pictures of twice the size, and writes the checkpoint with it as `run/checkpoint-large`."""
    try:
        from impasto.training.pocket.decoder_run import train_pocket_decoder
    except ImportError:
        on_progress("skipped the decoder: this version of impasto has none", 1.0, {})
        return
    phase = run / PHASES / "decoder"
    try:
        train_pocket_decoder(
            request.catalogue, run / AUTOENCODER, run / CHECKPOINT, phase, machine, minutes=minutes, steps=request.steps,
            begin_from=run / LARGE_AUTOENCODER if (run / LARGE_AUTOENCODER).is_dir() else None, seed=request.seed,
            perceptual=request.perceptual, should_stop=should_stop,
            on_progress=lambda stage, share, losses: on_progress(f"decoder, {stage}", share, losses),
        )  # fmt: skip
    except ImpastoError as error:  # usually no picture is large enough; the checkpoint is complete without the decoder
        on_progress(f"skipped the decoder: {error}", 1.0, {})
        return
    _write_large(run, phase / "autoencoder")


def _write_large(run: Path, autoencoder: Path) -> None:
    """Writes the run's checkpoint with this autoencoder, for pictures of twice the size, as `run/checkpoint-large`."""
    with replace_folder(run / LARGE) as made:
        shutil.copytree(run / CHECKPOINT, made, dirs_exist_ok=True)
        shutil.rmtree(made / "vae")
        load_autoencoder(autoencoder).half().save_pretrained(made / "vae", safe_serialization=True)

"""Training pairs for pocket's decoder: pictures, their true latents, and latents as a denoiser predicts them.

A denoiser's prediction is softer than a true latent, and not always a possible latent. A decoder trained only on true ones
paints that softness. The U-Net costs more than the decoder, so its predictions are computed once and kept in the cache.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.schedulers.scheduling_ddim import DDIMScheduler

from impasto.checkpoints.components import Components
from impasto.checkpoints.size import latent_factor
from impasto.data.caches.pixels import Pixels
from impasto.data.caches.row_cache import RowCache, content_key
from impasto.errors import ImpastoError
from impasto.settings import cache_folder
from impasto.training.examples.training_set import latents_key, weights_key
from impasto.training.loop.progress import Progress, no_report
from impasto.training.methods.autoencoder import posterior_of, to_tensor
from impasto.training.pocket.double_size import halved
from impasto.training.pocket.machine import Machine
from impasto.training.pocket.texts import PictureWords, TextDrawer

EARLIEST, LATEST = 40, 300  # timesteps that the true latents are noised to
STEPS = (1, 1, 2, 3)  # denoiser steps for each prediction of a picture; every second prediction is of its mirror image
_EMPTY = 0.15  # share of texts that are empty
_AT_ONCE = 32


@dataclass(frozen=True)
class DecoderPairs:
    """Pictures and the latents to decode them from.

    Attributes:
        pixels: the pictures.
        true: their latents and those of their mirror images, [n, 2, c, h, w], as the VAE encodes them, fp16.
        answers: a denoiser's predictions, [n, answers, c, h, w], every second one of the mirror image; None without a
            denoiser.
    """

    pixels: Pixels
    true: np.ndarray
    answers: np.ndarray | None = None


@torch.inference_mode()
def true_latents(pixels: Pixels, small: AutoencoderKL, machine: Machine, on_progress: Progress = no_report) -> np.ndarray:
    """Encodes halved pictures and mirror images to the posteriors' means, fp16 [n, 2, c, h, w]; each only once, cached.

    `small` is the autoencoder on whose latents the denoiser was trained: these are the latents of pictures half as large.
    """
    torch.nn.Module.to(small, machine.device)
    key = latents_key(small)
    factor = 2 * latent_factor(small.config)
    shape = (2, int(small.config["latent_channels"]), pixels.height // factor, pixels.width // factor)
    store = RowCache(cache_folder() / f"both-ways-{key[:16]}-{_sides(shape)}", shape, "float16")
    keys = [content_key(one, key) for one in pixels.keys]

    def encode(numbers: list[int]) -> np.ndarray:
        found = []
        for start in range(0, len(numbers), 16):
            pictures = to_tensor(pixels.batch(np.array(numbers[start : start + 16]))).to(machine.device)
            both = torch.cat([pictures, pictures.flip(-1)])
            mean = posterior_of(small, halved(both)).mean.float().cpu()
            found.append(torch.stack(mean.chunk(2), dim=1))
        return torch.cat(found).numpy()

    store.check(keys)
    store.fill(keys, encode, chunk=64, on_progress=lambda n, of: on_progress("encoding pictures", n / of, {}))
    return _rows(store, keys)


def denoised_latents(
    pixels: Pixels,
    true: np.ndarray,
    words: Sequence[PictureWords],
    components: Components,
    machine: Machine,
    on_progress: Progress = no_report,
) -> np.ndarray:
    """Returns the checkpoint's predictions from true latents noised to a timestep of 40 to 300: fp16 [n, answers, c, h, w].

    The U-Net gets one of the picture's texts, or the empty one, and denoises in one step or by DDIM (Song et al. 2021) in
    two or three. The results are cached by picture, latents and U-Net.

    Args:
        true: true latents [n, 2, c, h, w], as the checkpoint's own VAE encodes them.

    Raises:
        ImpastoError: the checkpoint's latents have another shape.
    """
    unet: Any = components.unet
    channels, side = int(unet.config["in_channels"]), int(unet.config["sample_size"])
    if true.shape[2:] != (channels, side, side):
        raise ImpastoError(
            f"{components.name} paints latents of {channels}x{side}x{side}, not of"
            f" {'x'.join(map(str, true.shape[2:]))}: the decoder needs a checkpoint made on its own autoencoder"
        )
    unet.to(machine.device).eval()
    components.text_encoder.to(machine.device)
    schedule: Any = DDIMScheduler.from_config(components.scheduler_config, clip_sample=False, set_alpha_to_one=True)
    denoiser = _Denoiser(components, schedule, machine)
    shape = (len(STEPS), *true.shape[2:])
    key = weights_key(unet)
    store = RowCache(cache_folder() / f"denoised-{key[:16]}-{_sides(shape)}", shape, "float16")
    keys = [content_key(one, key, true[n].tobytes()) for n, one in enumerate(pixels.keys)]
    drawer = TextDrawer()

    def answer(numbers: list[int]) -> np.ndarray:
        found = np.zeros((len(numbers), *shape), np.float32)
        for start in range(0, len(numbers), _AT_ONCE):
            part = numbers[start : start + _AT_ONCE]
            draws = [random.Random(f"{words[n].entry.file_name}/decoder") for n in part]
            for which, steps in enumerate(STEPS):
                texts = ["" if d.random() < _EMPTY else drawer.draw(words[n], d) for n, d in zip(part, draws, strict=True)]
                times = [d.randint(EARLIEST, LATEST) for d in draws]
                clean = torch.from_numpy(true[part, which % 2].astype(np.float32))
                generators = [torch.Generator().manual_seed(d.randrange(2**62)) for d in draws]
                noise = torch.stack([torch.randn(clean.shape[1:], generator=g) for g in generators])
                made = denoiser(clean, noise, torch.tensor(times), texts, steps)
                found[start : start + len(part), which] = made.numpy()
        return found

    store.check(keys)
    store.fill(keys, answer, chunk=_AT_ONCE, on_progress=lambda n, of: on_progress("denoising latents", n / of, {}))
    return _rows(store, keys)


class _Denoiser:
    """A U-Net that denoises noised latents to clean ones in few steps."""

    def __init__(self, components: Components, schedule: Any, machine: Machine) -> None:
        self._components, self._machine = components, machine
        self._alphas: torch.Tensor = schedule.alphas_cumprod
        self._kind = str(schedule.config.prediction_type)
        vae = components.vae.config
        self._scale, self._shift = float(vae["scaling_factor"]), float(vae.get("shift_factor") or 0.0)

    @torch.inference_mode()
    def __call__(
        self, clean: torch.Tensor, noise: torch.Tensor, times: torch.Tensor, texts: list[str], steps: int
    ) -> torch.Tensor:
        """Returns the predictions [n, c, h, w] from `clean` noised to `times` [n]."""
        unet: Any = self._components.unet
        device = self._machine.device
        states = self._components.encode_text(texts).to(device)
        signal, spread = self._levels(times)
        found = (clean - self._shift) * self._scale
        noisy = signal * found + spread * noise
        for step in range(steps):
            now = times * (steps - step) // steps
            signal, spread = self._levels(now)
            with self._machine.autocast():
                told = unet(noisy.to(device), now.to(device), states).sample.float().cpu()
            if self._kind == "v_prediction":
                found, noise = signal * noisy - spread * told, spread * noisy + signal * told
            elif self._kind == "epsilon":
                found, noise = (noisy - spread * told) / signal, told
            else:
                found, noise = told, (noisy - signal * told) / spread
            signal, spread = self._levels(times * (steps - step - 1) // steps)
            noisy = signal * found + spread * noise
        return found / self._scale + self._shift

    def _levels(self, times: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        kept = self._alphas[times].view(-1, 1, 1, 1)
        return kept.sqrt(), (1 - kept).sqrt()


def _rows(store: RowCache, keys: Sequence[bytes]) -> np.ndarray:
    return np.concatenate([store.rows(keys[n : n + 512]) for n in range(0, len(keys), 512)])


def _sides(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))

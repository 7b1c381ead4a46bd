"""Validation of a checkpoint during training: its loss on held-out pictures, and sample pictures of fixed prompts."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.checkpoints.components import Components
from impasto.data.caches.latents import TextStates
from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.training.examples.training_set import TrainingSet, pictures_at_once
from impasto.training.examples.validation_pictures import paint_sheet
from impasto.training.loop.loop import VALIDATION
from impasto.training.losses.diffusion import DiffusionLoss, Noise
from impasto.training.methods.fine_tuning import BANDS

DRAWS = 2  # timesteps in each band, for each picture
SEED = 0  # seed of noise, timesteps and pictures; not the run's seed, so that runs can be compared
FOLDER = "validation"


@torch.no_grad()
def validation_errors(
    components: Components, data: TrainingSet, states: TextStates | None, seed: int = SEED
) -> list[float]:
    """Returns the mean squared error of the U-Net's prediction in each of `BANDS` bands of timesteps, from clean to noise.

    Each picture is used with its first text, at `DRAWS` timesteps in each band. Posterior sample, noise and timesteps
    depend only on the seed and the picture's file name: they are the same for every checkpoint, whatever the other pictures
    are. Errors are not weighted, so that runs with another loss can be compared. torch's own generators are not used.

    Args:
        states: text states of the pictures' first texts; with None the text encoder computes them.
    """
    unet: Any = components.unet
    loss = DiffusionLoss(components.scheduler_config, snr_gamma=None)
    at_once = pictures_at_once(8 * data.mean[0].shape[-1])
    found = []
    for number, entry in enumerate(data.entries):
        mean, deviation = torch.from_numpy(data.mean[number]), torch.from_numpy(data.deviation[number])
        draw = _generator(seed, entry.file_name)
        latents = mean + deviation * torch.randn(mean.shape, generator=draw)
        latents = latents.expand(BANDS * DRAWS, *mean.shape).to(unet.device)
        noise = torch.randn(latents.shape, generator=draw).to(unet.device)
        places = (torch.arange(BANDS * DRAWS) + torch.rand(BANDS * DRAWS, generator=draw)) / (BANDS * DRAWS)
        times = (places * int(loss.scheduler.config.num_train_timesteps)).long().to(unet.device)
        told = encode_texts_of(components, states, data.texts[number][:1]).to(unet.device, unet.dtype)
        errors = []
        for start in range(0, len(times), at_once):
            part = slice(start, start + at_once)
            drawn = Noise(noise, times).of(part)
            noised = loss.noised(latents[part], drawn).to(unet.dtype)
            made = unet(noised, drawn.times, told.expand(len(noised), -1, -1)).sample
            errors.append(loss.errors(made, latents[part], drawn).cpu())
        found.append(torch.cat(errors))
    return torch.stack(found).view(-1, BANDS, DRAWS).mean((0, 2)).tolist()


def validation_loss(
    components: Components, data: TrainingSet, states: TextStates | None, seed: int = SEED
) -> float:
    """Returns the mean of `validation_errors`: timesteps uniform over the whole schedule."""
    return float(np.mean(validation_errors(components, data, states, seed)))


def encode_texts_of(components: Components, states: TextStates | None, texts: list[str]) -> torch.Tensor:
    """Returns token states [n, tokens, width], from the cache or by the text encoder with its current weights."""
    return components.encode_text(texts) if states is None else torch.from_numpy(states.states(texts))


class CheckpointValidation:
    """The validation of a checkpoint (`loop.Validation`): metrics, and `validation/step-<step>.png`.

    `validation/prompts.txt` lists the prompts of the pictures, one per line, in the sheet's order.
    """

    def __init__(
        self,
        components: Components,
        run: Path,
        *,
        every: int,
        data: TrainingSet | None,
        states: TextStates | None,
        prompts: Sequence[str],
        size: int,
    ) -> None:
        """Sets up the validation.

        `data` holds the held-out pictures; with None no loss is computed. `states` are the text states of their first texts,
        of the prompts and of the empty text; None if the text encoder is trained. With no `prompts` no pictures are made.
        `size` is the pictures' side in pixels.
        """
        self.components, self.every, self.data, self.states = components, every, data, states
        self.prompts, self._size, self._folder = list(prompts), size, run / FOLDER

    def __call__(self, step: int) -> tuple[dict[str, float], Image.Image | None]:
        """Returns the loss and the bands' errors after `step` steps, and the sheet, which it also writes to disk.

        Raises:
            ImpastoError: the sheet cannot be written.
        """
        unet = self.components.unet
        was = unet.training
        unet.eval()
        figures: dict[str, float] = {}
        if self.data is not None:
            errors = validation_errors(self.components, self.data, self.states)
            figures = {VALIDATION: float(np.mean(errors))} | {f"{VALIDATION}_{n}": e for n, e in enumerate(errors)}
        sheet = None
        if self.prompts:
            sheet = paint_sheet(
                self.components,
                lambda texts: encode_texts_of(self.components, self.states, texts),
                self.prompts,
                self._size,
                SEED,
            )
            self._write(step, sheet)
        unet.train(was)
        return figures, sheet

    def _write(self, step: int, sheet: Image.Image) -> None:
        file = io.BytesIO()
        sheet.save(file, "PNG")
        path = self._folder / f"step-{step:09d}.png"
        try:
            self._folder.mkdir(exist_ok=True)
            write_atomically(self._folder / "prompts.txt", "".join(f"{prompt}\n" for prompt in self.prompts).encode())
            write_atomically(path, file.getvalue())
        except OSError as error:
            raise ImpastoError(
                f"{path} cannot be written: {error.strerror}; the last state stays: give the same command again"
            ) from None


def _generator(seed: int, name: str) -> torch.Generator:
    number = int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big")
    return torch.Generator().manual_seed(number >> 1)

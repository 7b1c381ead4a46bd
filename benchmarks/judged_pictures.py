"""The pictures that `judge_pocket.py` judges, real and painted, with their features, kept on disk: a stopped run goes on."""

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from impasto.checkpoints.painting_defaults import PaintingDefaults
from impasto.data.caches.pixels import Pixels, is_for_training, prepare_pixels
from impasto.data.caches.row_cache import RowCache, content_key
from impasto.data.catalogue.read import CatalogueEntry, read_catalogue
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.painting.defaults import USUAL_SAMPLER, choose_sampling
from impasto.painting.guidance.record import USUAL
from impasto.painting.memory.folder_memory import folder_hash
from impasto.painting.memory.record import NONE, OWN
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from impasto.vision.features.efficientnet import SIDE, WIDTH, ImageFeatures, stack_images

CHUNK = 32


class JudgedPictures:
    """Real pictures prepared as in training, and pictures painted on request.

    Attributes:
        training: entries that the denoiser may have seen.
        held_out: entries that it has not; drawings, prints and stretched pictures are in neither.
        work: the folder of what belongs to this checkpoint only.
    """

    def __init__(
        self,
        catalogue: Path,
        checkpoint: str,
        work: Path,
        cache: Path,
        *,
        guidance: float | None,
        steps: int | None,
        loras: Sequence[str] = (),
        sampler: str | None = USUAL_SAMPLER,
        memory: str = OWN,
        guider: str | None = USUAL,
        size: int | None = None,
    ) -> None:
        """`size`: of a side in pixels, real and painted; None takes the checkpoint's. `guidance`, `steps`, `sampler`,
        `guider`: None takes what the checkpoint says of itself, else guidance 4 of the usual guider and 20 steps. `memory`:
        as a `PaintRequest` has it."""
        self.painter = Painter.load(checkpoint, loras=loras)
        self.size = size or self.painter.components.default_size
        defaults = _or_judged_with(self.painter.components.painting_defaults)
        self.sampling = choose_sampling(defaults, sampler=sampler, steps=steps, guider=guider, guidance=guidance)
        self.guidance, self.steps, self.memory = self.sampling.guidance, self.sampling.steps, memory
        self._memories: dict[str, str] = {}
        self.features = ImageFeatures()
        self.work = work / (self.painter.components.content_hash[:12] + ("" if size is None else f"-{size}"))
        self.work.mkdir(parents=True, exist_ok=True)
        entries = [e for e in read_catalogue(catalogue, check_images=False).entries if is_fit(e)]
        if not entries:
            raise ImpastoError(f"{catalogue} holds no picture to judge by")
        print(f"{len(entries)} real pictures are brought to {self.size} px as in training", flush=True)
        self._pixels: Pixels
        self._pixels, broken = prepare_pixels(entries, self.size, cache)
        for name, reason in broken.items():
            print(f"  left out: {name}: {reason}")
        self._numbers = {entry.file_name: number for number, entry in enumerate(self._pixels.entries)}
        self._real = RowCache(work / f"real-features-{SIDE}", (WIDTH,), "float32")
        self.training = [entry for entry in self._pixels.entries if is_for_training(entry)]
        self.held_out = [entry for entry in self._pixels.entries if is_held_out(entry.file_name)]

    def squares(self, entries: Sequence[CatalogueEntry]) -> np.ndarray:
        """uint8 [n, size, size, 3]."""
        return self._pixels.batch(np.array([self._numbers[entry.file_name] for entry in entries], np.int64))

    def real_features(self, entries: Sequence[CatalogueEntry]) -> np.ndarray:
        """float32 [n, 1280]; keyed by each picture's content, computed once."""
        keys = [content_key(self._pixels.keys[self._numbers[entry.file_name]], str(SIDE)) for entry in entries]

        def make(places: list[int]) -> np.ndarray:
            return self.features.of_squares(self.squares([entries[place] for place in places]))

        self._real.fill(keys, make, chunk=256, on_progress=_Progress("features of real paintings"))
        return self._real.rows(keys, make)

    def request(
        self,
        condition: Condition,
        seed: int,
        *,
        sampler: str | None = None,
        steps: int | None = None,
        eta: float = 0.0,
        memory: str | None = None,
    ) -> PaintRequest:
        """The condition at this checkpoint's size, in the manner chosen but for what is given here; a condition without a
        word becomes "a painting"."""
        return PaintRequest(
            condition=condition if condition.text() else Condition(caption="a painting"),
            seed=seed,
            sampler=sampler or self.sampling.sampler,
            steps=steps or self.steps,
            memory=self.memory if memory is None else memory,
            guidance=self.guidance,
            eta=eta,
            width=self.size,
            height=self.size,
            guider=self.sampling.guider,
            guidance_interval=self.sampling.guidance_interval,
        )

    def painted(self, name: str, requests: Sequence[PaintRequest]) -> tuple[np.ndarray, np.ndarray, float]:
        """Pictures uint8 [n, s, s, 3], features [n, 1280] and seconds of painting, in chunks that are painted once.

        A chunk's file is named by the checkpoint, what its requests look at and all that they say: with other steps,
        guidance, prompts or works of a memory they are painted anew.
        """
        pictures, rows, seconds = [], [], 0.0
        progress, done_here = _Progress(f"{name}: painted"), 0
        groups = [requests[start : start + CHUNK] for start in range(0, len(requests), CHUNK)]
        missing = sum(len(group) for group in groups if not self._file(name, group).exists())
        for group in groups:
            file = self._file(name, group)
            if not file.exists():
                begun = time.perf_counter()
                stack = stack_images([painting.image for painting in self.painter.paint_many(group)])
                took = time.perf_counter() - begun
                with _Renamed(file) as temporary:
                    np.savez(temporary, pictures=stack, features=self.features.of_squares(stack), seconds=took)
                done_here += len(group)
                progress(done_here, missing)
            with np.load(file) as chunk:
                pictures.append(chunk["pictures"])
                rows.append(chunk["features"])
                seconds += float(chunk["seconds"])
        return np.concatenate(pictures), np.concatenate(rows), seconds

    def _file(self, name: str, group: Sequence[PaintRequest]) -> Path:
        looked_at = [self._memory_hash(memory) for memory in dict.fromkeys(request.memory for request in group)]
        known = [str(SIDE), self.painter.components.content_hash, *looked_at, *map(repr, group)]
        return self.work / f"{name}-{hashlib.sha256(chr(10).join(known).encode()).hexdigest()[:16]}.npz"

    def _memory_hash(self, memory: str) -> str:
        if memory in (OWN, NONE):
            return self.painter.components.memory_hash if memory == OWN else NONE
        if memory not in self._memories:
            self._memories[memory] = folder_hash(Path(memory).expanduser())
        return self._memories[memory]

    @torch.inference_mode()
    def reconstructions(self, squares: np.ndarray) -> np.ndarray:
        """The pictures through the autoencoder and back (the posterior's mode), uint8 as they came."""
        vae: Any = self.painter.components.vae
        parts = []
        for start in range(0, len(squares), CHUNK):
            x = torch.from_numpy(squares[start : start + CHUNK]).permute(0, 3, 1, 2).float() / 127.5 - 1
            made = vae.decode(vae.encode(x.to(vae.device, vae.dtype)).latent_dist.mode()).sample.float()
            parts.append(made.add(1).mul(127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy())
        return np.concatenate(parts)


def _or_judged_with(said: PaintingDefaults) -> PaintingDefaults:
    """What the checkpoint says, and where it says nothing, what checkpoints are judged with here."""
    guidance = 4.0 if said.guidance is None and said.guider in ("", USUAL) else said.guidance
    steps = 20 if said.steps is None and said.sampler in ("", USUAL_SAMPLER) else said.steps
    return replace(said, guidance=guidance, steps=steps)


def is_fit(entry: CatalogueEntry) -> bool:
    return is_for_training(entry) or (
        is_held_out(entry.file_name) and not any(entry.extra.get(mark) == "1" for mark in ("monochrome", "square_stretched"))
    )


class _Progress:
    """Prints a line every 20 seconds, and one at the end, with the minutes that are left."""

    def __init__(self, what: str) -> None:
        self._what, self._begun, self._last = what, time.monotonic(), time.monotonic()

    def __call__(self, done: int, of: int) -> None:
        now = time.monotonic()
        if now - self._last > 20 or done == of:
            self._last = now
            left = (now - self._begun) / done * (of - done) / 60
            print(f"  {self._what} {done} of {of}, {(now - self._begun) / done:.2f} s each, {left:.0f} min left", flush=True)


class _Renamed:
    """A file written under another name, brought to disk, and renamed when whole."""

    def __init__(self, file: Path) -> None:
        self._file, self._temporary = file, file.with_suffix(".part")

    def __enter__(self):
        self._open = self._temporary.open("wb")
        return self._open

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._open.flush()
        os.fsync(self._open.fileno())
        self._open.close()
        if kind is None:
            self._temporary.replace(self._file)
        else:
            self._temporary.unlink()

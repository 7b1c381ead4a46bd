"""The pictures that `judge_pocket.py` judges, real and painted, with their features, kept on disk: a stopped run goes on."""

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from impasto.checkpoints.image_features import SIDE, WIDTH, ImageFeatures, stack_images
from impasto.data.catalogue import CatalogueEntry, read_catalogue
from impasto.data.pixels import Pixels, is_for_training, prepare_pixels
from impasto.data.row_cache import RowCache, content_key
from impasto.data.split import is_held_out
from impasto.errors import ImpastoError
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition

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
        guidance: float,
        steps: int,
        loras: Sequence[str] = (),
    ) -> None:
        self.painter = Painter.load(checkpoint, loras=loras)
        self.size = self.painter.components.default_size
        self.guidance, self.steps = guidance, steps
        self.features = ImageFeatures()
        self.work = work / self.painter.components.content_hash[:12]
        self.work.mkdir(parents=True, exist_ok=True)
        entries = [e for e in read_catalogue(catalogue, check_images=False).entries if _is_fit(e)]
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
        self, condition: Condition, seed: int, *, sampler: str = "dpm++", steps: int | None = None, eta: float = 0.0
    ) -> PaintRequest:
        """The condition at this checkpoint's size; a condition without a word becomes "a painting"."""
        return PaintRequest(
            condition=condition if condition.text() else Condition(caption="a painting"),
            seed=seed,
            sampler=sampler,
            steps=steps or self.steps,
            guidance=self.guidance,
            eta=eta,
            width=self.size,
            height=self.size,
        )

    def painted(self, name: str, requests: Sequence[PaintRequest]) -> tuple[np.ndarray, np.ndarray, float]:
        """Pictures uint8 [n, s, s, 3], features [n, 1280] and seconds of painting, in chunks that are painted once.

        A chunk's file is named by all of its requests: other steps, guidance or prompts are painted anew.
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
        digest = hashlib.sha256("\n".join([str(SIDE), *map(repr, group)]).encode()).hexdigest()
        return self.work / f"{name}-{digest[:16]}.npz"

    @torch.inference_mode()
    def reconstructions(self, squares: np.ndarray) -> np.ndarray:
        """The pictures through the autoencoder and back (the posterior's mode), uint8 as they came."""
        vae, parts = self.painter.components.vae, []
        for start in range(0, len(squares), CHUNK):
            x = torch.from_numpy(squares[start : start + CHUNK]).permute(0, 3, 1, 2).float() / 127.5 - 1
            made = vae.decode(vae.encode(x.to(vae.device, vae.dtype)).latent_dist.mode()).sample.float()
            parts.append(made.add(1).mul(127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy())
        return np.concatenate(parts)


def _is_fit(entry: CatalogueEntry) -> bool:
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

"""Paints complete requests and saves the files, for `paint` and `repaint`. A stop keeps finished pictures."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import StoppedError
from impasto.jobs.context import Context
from impasto.jobs.painting.output import Output
from impasto.jobs.painting.setup import PaintingSetup

if TYPE_CHECKING:
    from PIL import Image

    from impasto.jobs.painting.best_of import BestOfPainting
    from impasto.jobs.painting.checks.safety import PaintingSafety
    from impasto.jobs.painting.copy_avoidance import CopyAvoidance
    from impasto.painting.provenance.record import Provenance
    from impasto.painting.request import PaintRequest


@dataclass(frozen=True)
class PaintedFile:
    """One saved painting.

    Attributes:
        path: its file.
        provenance: the record of how it was made.
        seconds: seconds since painting began; the pictures of a batch are finished together.
        beside: the file of the better painting of the same request, for the others that `--keep-all` keeps; else None.
    """

    path: Path
    provenance: "Provenance"
    seconds: float
    beside: Path | None = None


def paint_files(
    requests: Sequence["PaintRequest"],
    output: Output,
    setup: PaintingSetup,
    context: Context,
    *,
    batch: int | None = None,
    preview_every: int = 0,
    expected_hash: str = "",
    avoidance: "CopyAvoidance | None" = None,
    choosing: "BestOfPainting | None" = None,
    safety: "PaintingSafety | None" = None,
) -> list[PaintedFile]:
    """Paints all requests and saves each painting as soon as it is finished.

    Args:
        requests: what to paint, in this order.
        output: the output location.
        setup: the checkpoint and adapters.
        context: the job's context.
        batch: number of pictures at once; None for as many as fit.
        preview_every: number of steps between two updates of `<stem>-preview-<number>.png`; 0 for never.
        expected_hash: if the checkpoint has another hash, a note is reported; "" for no check.
        avoidance: repaints pictures that look like a training picture; None for no check.
        choosing: paints each request with several seeds and keeps the best, in place of `avoidance`; None for one seed.
        safety: decides whether a finished painting is saved as it is, blurred or not at all; None for as it is.

    Raises:
        StoppedError: the job was stopped; finished pictures are kept.
        ImpastoError: the checkpoint cannot be loaded, a painting cannot be saved, or copies were left out.
    """
    done: list[PaintedFile] = []
    finished = 0  # requests
    previews = _Previews(output, context)
    try:
        context.progress("loading", 0.0)
        painter = setup.painters(requests, context)
        if expected_hash and painter.components.base_hash != expected_hash:
            context.note(f"{setup.checkpoint} is not the checkpoint it was painted with: it may differ")
        started = time.monotonic()
        paint = partial(
            painter.paint_many,
            batch_size=batch,
            preview_every=preview_every,
            on_preview=previews.show,
            on_note=context.note,
            on_step=lambda step, of: context.progress(f"{finished + 1} of {len(requests)}", step / of),
        )
        if choosing is not None:
            groups = choosing.paint(paint, requests)
        else:
            groups = ([one] for one in (paint(requests) if avoidance is None else avoidance.paint(paint, requests)))
        for group in groups:
            best: Path | None = None
            for painting in group if safety is None else filter(None, map(safety.decide, group)):
                seed, best_of = painting.provenance.seed, painting.provenance.best_of
                if best is None or best_of is None:
                    path = output.save(painting)
                else:
                    path = output.save_beside(painting, best, best_of.rank(seed))
                saved = PaintedFile(path, painting.provenance, time.monotonic() - started, best)
                best = best or path
                done.append(saved)
                context.picture_done(saved.path, saved.seconds, saved.provenance)
            finished += bool(group)
    except KeyboardInterrupt:
        of = f"{sum(one.beside is None for one in done)} of {len(requests)} paintings"
        raise StoppedError(
            f"stopped: {of} finished" + (f" and kept in {output.folder}" if done else "")
        ) from None
    finally:
        previews.remove()
        output.tidy()
    return done


class _Previews:
    """Writes `<stem>-preview-<number>.png` for each unfinished picture; replaced at each preview, removed at the end."""

    def __init__(self, output: Output, context: Context) -> None:
        self._output, self._context = output, context
        self._files: dict[int, Path] = {}

    def show(self, number: int, steps: int, image: "Image.Image") -> None:
        self._context.preview(number, steps, image)
        if number not in self._files:
            self._files[number] = self._output.free_path("-preview")
        file = self._files[number]
        unfinished = file.with_suffix(".tmp")
        try:
            image.save(unfinished, format="PNG")
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)

    def remove(self) -> None:
        for file in self._files.values():
            file.unlink(missing_ok=True)

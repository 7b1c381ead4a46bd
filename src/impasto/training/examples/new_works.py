"""Adds the works that a checkpoint is retrained on to its memory, so that it looks at them while it paints.

Without them, a checkpoint retrained on an artist whom its memory does not know is painted with works of other artists.
"""

import numpy as np
import torch
import torch.nn.functional as F

from impasto.checkpoints.components import Components
from impasto.checkpoints.memory import PaintingMemory, Work, latent_moments, to_grid
from impasto.data.caches.image_vectors import image_vectors
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.errors import MissingPart
from impasto.prompts.artists import plain_name
from impasto.training.examples.training_set import TrainingSet
from impasto.training.loop.progress import Progress, no_report
from impasto.vision.features.efficientnet import ImageFeatures

MOST = 50_000  # works: a memory is searched whole for each prompt
# Two codes with a larger cosine are of the same picture. For 198 works by Monet in pocket's memory, that of the same work is
# 0.9999 or more, and that of the nearest other work 0.83 or less.
SAME = 0.95


def with_new_works(
    components: Components, data: TrainingSet, on_progress: Progress = no_report
) -> PaintingMemory | None:
    """Returns the checkpoint's memory with the pictures of a training set that it lacks; None if nothing is added.

    A picture is known by its file name, artist and title together, or by its code.

    Nothing is added if the checkpoint has no memory or an empty one, if it has all pictures, if they are more than `MOST`,
    or if the packages that compute picture features are missing. The last two are reported.

    Raises:
        ImpastoError: the memory is incomplete, or the cache cannot be written.
    """
    memory = components.memory
    if memory is None or not memory.works:
        return None
    known = {(work.name, plain_name(work.artist), work.title) for work in memory.works}
    first = {entry.file_name: number for number, entry in reversed(list(enumerate(data.entries)))}
    new = [number for number in sorted(first.values()) if _named(data.entries[number]) not in known]
    if not new:
        return None
    if len(new) > MOST:
        on_progress(f"skipped adding works to the memory: {len(new)} are more than {MOST}", 0.0, {})
        return None
    if memory.config.features != ImageFeatures.name:
        on_progress(f"skipped adding works to the memory, which sees by {memory.config.features}", 0.0, {})
        return None
    entries = [data.entries[number] for number in new]

    def tell(done: int, of: int) -> None:
        on_progress("adding works to the memory", done / of, {})

    try:
        vectors = image_vectors(entries, ImageFeatures(side=memory.config.side), tell)
    except MissingPart as error:
        on_progress(f"skipped adding works to the memory: {error}", 0.0, {})
        return None
    moments = torch.cat([latent_moments(torch.from_numpy(np.array(data.mean[number]))[None].float()) for number in new])
    codes = to_grid(memory.encoder.codes(torch.from_numpy(vectors.astype(np.float32)), moments))
    readable = torch.from_numpy(np.isfinite(vectors).all(axis=1))
    fresh = (readable & ~_among(codes.nan_to_num(), memory.codes)).nonzero()[:, 0].tolist()
    if not fresh:
        return None
    works = [*memory.works, *(_work(entries[place]) for place in fresh)]
    return PaintingMemory(memory.encoder, torch.cat([memory.codes, codes[fresh]]), works)


def _named(entry: CatalogueEntry) -> tuple[str, str, str]:
    return entry.file_name, plain_name(entry.artist), entry.title


def _among(codes: torch.Tensor, known: torch.Tensor, *, block: int = 1024) -> torch.Tensor:
    """Returns which of `codes` [n, code] are of the same picture as one of `known` [m, code]: bool [n]."""
    unit = F.normalize(known, dim=1).T
    likeness = [(F.normalize(some, dim=1) @ unit).amax(dim=1) for some in codes.split(block)]
    return torch.cat(likeness) > SAME


def _work(entry: CatalogueEntry) -> Work:
    return Work(entry.file_name, entry.artist, entry.title, entry.caption)

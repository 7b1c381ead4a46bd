"""Feature extractors for comparing sets of pictures, selected by name, and the features of a set with their origin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from impasto.data.caches.large_arrays import large_array
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport
from impasto.errors import ImpastoError, UsageError
from impasto.evaluation.distances.moments import chunks
from impasto.settings import cache_folder
from impasto.spreading import HERE, Spread
from impasto.vision.scorers.interface import ImageEncoder

if TYPE_CHECKING:
    import torch

    from impasto.weights.transformers_folder import TransformersFolder

OFFLINE, INCEPTION = "efficientnet-lite2", "inception"
# DINOv2 in the size that Stein et al. (2023) recommend. CLIP in the size of Stable Diffusion v1's text encoder; wang2023,
# which compares pictures and texts with CLIP (section 4.1), names none.
HUB_NAMES = {"dinov2": "facebook/dinov2-large", "clip": "openai/clip-vit-large-patch14"}
NAMES = (OFFLINE, INCEPTION, *HUB_NAMES)


@dataclass(frozen=True)
class FeatureSet:
    """The features of one set of pictures.

    Attributes:
        name: the set's name, as it is shown to the user.
        rows: float32 [n, d], n at least 2.
        entries: the picture of each row.
        extractor, identity: the feature extractor: its name for the user, and its hash.
    """

    name: str
    rows: np.ndarray
    entries: list[CatalogueEntry]
    extractor: str
    identity: str

    def check_comparable(self, other: "FeatureSet") -> None:
        """Raises ImpastoError if the other set's features are from another extractor, or from one with other weights."""
        if self.identity != other.identity:
            mine, its = f"{self.name} by {self.extractor}", f"{other.name} by {other.extractor}"
            raise ImpastoError(f"features of different extractors cannot be compared: {mine}, {its} ({other.identity[:8]})")


def load_extractor(
    name: str, *, weights: Path | None = None, device: "torch.device | str" = "cpu"
) -> ImageEncoder:
    """Loads the feature extractor called `name`.

    Args:
        name: one of `NAMES`, or a folder or hub name of DINOv2, of CLIP or of a similar model.
        weights: the file with Inception's weights.

    Raises:
        UsageError: there is no such extractor, or `weights` is given for one that takes none.
        MissingPart, ImpastoError: the model is not on this machine, or not what it should be.
    """
    folder = find_extractor(name, weights)
    if folder is None:
        from impasto.vision.features.efficientnet import ImageFeatures
        from impasto.vision.features.inception import InceptionFeatures

        return InceptionFeatures(weights, device=device) if name == INCEPTION else ImageFeatures(device=device)
    if folder.model_type.startswith("dinov2"):
        from impasto.vision.features.dinov2 import Dinov2Features

        return Dinov2Features(folder, device=device)
    from impasto.vision.scorers.clip import ClipScorer

    return ClipScorer(str(folder.path), device=str(device), precision="fp32")


def find_extractor(name: str, weights: Path | None = None) -> "TransformersFolder | None":
    """Finds the model of an extractor without loading it, so that a long job can check it first; None if it has no folder.

    Raises:
        UsageError, MissingPart, ImpastoError: as `load_extractor`.
    """
    if weights is not None and name != INCEPTION:
        raise UsageError(f"--weights goes with --features {INCEPTION}")
    if name == OFFLINE:
        return None
    if name == INCEPTION:
        from impasto.vision.features.inception import find_weights

        find_weights(weights)
        return None
    from impasto.weights.transformers_folder import find_transformers_folder

    try:
        return find_transformers_folder(name, HUB_NAMES, pickles=True)
    except UsageError:
        raise UsageError(f"--features {name[:200]}: use {', '.join(NAMES)}, or a folder with DINOv2 or CLIP") from None


def features_of(
    name: str,
    entries: Sequence[CatalogueEntry],
    extractor: ImageEncoder,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    report: CatalogueReport | None = None,
    spread: Spread = HERE,
) -> FeatureSet:
    """Returns the features of a set of pictures.

    Features are computed once for each picture content and extractor, then kept in the user's cache. Pictures that cannot be
    opened are left out and listed in `report`. `spread`: as in `image_vectors`.

    Raises:
        ImpastoError: fewer than two pictures can be opened, or all features are the same.
    """
    from impasto.data.caches.image_vectors import image_vectors

    report = CatalogueReport() if report is None else report
    vectors = image_vectors(entries, extractor, on_progress, report=report, spread=spread)
    whole = np.flatnonzero(np.concatenate([np.isfinite(part).all(1) for part in chunks(vectors)] or [np.zeros(0, bool)]))
    if len(whole) < 2:
        first = f" ({report.skipped[0].file_name}: {report.skipped[0].reason})" if report.skipped else ""
        count = "one picture" if len(whole) else "no picture"
        raise ImpastoError(f"{name} holds {count} that can be compared{first}: distances are between sets of at least 2")
    rows = _without_gaps(vectors, whole)
    parts = [(part.min(0), part.max(0), np.abs(part).max()) for part in chunks(rows)]
    low, high, largest = (np.array(column) for column in zip(*parts, strict=True))
    if (high.max(0) - low.min(0)).max() <= 1e-6 * largest.max():
        raise ImpastoError(f"all {len(rows)} pictures of {name} look the same to {extractor.name}: are they of one colour?")
    return FeatureSet(name, rows, [entries[n] for n in whole.tolist()], extractor.name, extractor.identity)


def _without_gaps(vectors: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Returns the rows at `whole`: the array itself if these are all, else a copy, memory-mapped if it is large."""
    if len(whole) == len(vectors):
        return vectors
    try:
        rows = large_array((len(whole), vectors.shape[1]), vectors.dtype.str, cache_folder())
    except OSError as error:
        raise ImpastoError(f"{cache_folder()} cannot be written: {error.strerror}") from None
    start = 0
    for part in chunks(vectors, whole):
        rows[start : start + len(part)] = part
        start += len(part)
    return rows

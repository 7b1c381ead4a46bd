"""Loads a catalogue's pictures as training data for scorer, tagger and captioner: image features, texts, soft tag labels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from impasto.data.annotations.tag_vocabulary import Tag, tag_vocabulary
from impasto.data.caches.image_vectors import image_vectors
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.read import read_catalogue
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.training.examples.tag_labels import TagLabels, title_labels
from impasto.training.loop.progress import Progress, no_report
from impasto.vision.features.efficientnet import ImageFeatures


def words_of(entry: CatalogueEntry) -> tuple[str, str, str, str]:
    """Returns the title, genre, style and artist of a picture; "" for those that are unknown."""
    return entry.title, entry.genre.replace("_", " "), entry.style.replace("_", " "), entry.artist


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures that can be read and that have at least one text field.

    Attributes:
        entries: the pictures.
        features: EfficientNet-Lite2's features, float32 [n, 1280].
        held_out: bool [n], true for pictures that training must not see.
        tags: the vocabulary.
        labels: the tag probabilities derived from titles and genres.
    """

    entries: list[CatalogueEntry]
    features: np.ndarray
    held_out: np.ndarray
    tags: list[Tag]
    labels: TagLabels

    @property
    def fields(self) -> list[tuple[str, str]]:
        """(title, genre) of each picture."""
        return [words_of(entry)[:2] for entry in self.entries]


def labelled_pictures(
    catalogue: Path,
    records: Path,
    *,
    side: int,
    seed: int,
    vocabulary: Path | None = None,
    on_progress: Progress = no_report,
) -> LabelledPictures:
    """Computes the features of a catalogue's pictures at `side` px, and their labels from a museum's records (`tag_labels`).

    Raises:
        ImpastoError, MissingPart: no usable picture with texts, no records, a package is not installed.
    """
    entries = [entry for entry in read_catalogue(catalogue, check_images=False).entries if any(words_of(entry))]
    if not entries:
        raise ImpastoError(f"{catalogue} holds no picture of which anything is known")
    features = image_vectors(
        entries, ImageFeatures(side=side), lambda n, of: on_progress("looking at pictures", n / of, {})
    )
    seen = np.isfinite(features.sum(axis=1))
    entries, features = [entry for entry, fine in zip(entries, seen.tolist(), strict=True) if fine], features[seen]
    if not entries:
        raise ImpastoError(f"{catalogue}: none of its pictures can be read")
    tags = tag_vocabulary(vocabulary)
    held_out = np.array([is_held_out(entry.file_name) for entry in entries])
    labels = title_labels([words_of(e)[:2] for e in entries], records, tags, seed=seed, on_progress=on_progress)
    return LabelledPictures(entries, features, held_out, tags, labels)

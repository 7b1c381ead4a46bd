"""Pairs of pictures with the instruction that leads from one to the other, encoded for training."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from impasto.checkpoints.components import Components
from impasto.data.catalogue.columns import plain_column
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.errors import ImpastoError
from impasto.training.examples.training_set import TrainingSet, encode_training_set
from impasto.training.loop.progress import Progress, no_report

# What the columns that name the picture before the edit begin with.
_BEFORE = ("input", "source", "original", "before")
_LAYOUT = "its metadata names the edited picture as file_name, the one before as input_file_name, the instruction as text"


@dataclass(frozen=True)
class InstructPairs:
    """Encoded pairs.

    Attributes:
        edited: the edited pictures; their texts are the instructions.
        inputs: the pictures before, as a U-Net that follows instructions sees them: means of their posteriors, not scaled,
            each float32 [c, h, w].
    """

    edited: TrainingSet
    inputs: Sequence[np.ndarray]


def encode_pairs(
    entries: Sequence[CatalogueEntry], components: Components, size: int, *, on_progress: Progress = no_report
) -> InstructPairs:
    """Encodes pairs of pictures of `size` px by the checkpoint's VAE; each picture only once, cached by content.

    Entries without a picture before, or without an instruction, are reported and left out.

    Raises:
        UsageError: this VAE does not support the size.
        ImpastoError: no pair is left.
    """
    pairs: list[tuple[CatalogueEntry, CatalogueEntry]] = []
    lacking: dict[str, list[str]] = {}
    for entry in entries:
        before = picture_before(entry)
        if before is None or not entry.caption.strip():
            lacking.setdefault("a picture before" if before is None else "an instruction", []).append(entry.file_name)
        else:
            pairs.append((entry, before))
    for what, names in lacking.items():
        on_progress(f"skipped {len(names)} pictures without {what}: {names[0]}{' ...' if names[1:] else ''}", 0.0, {})
    if not pairs:
        raise ImpastoError(f"there is no pair to learn from: {_LAYOUT}, as `impasto data instructions` writes it")
    encode = partial(encode_training_set, components=components, size=size, variants=1, on_progress=on_progress)
    edited, inputs = encode([entry for entry, _ in pairs]), encode([before for _, before in pairs])
    whole = {entry.file_name for entry in edited.entries} & {entry.file_name for entry in inputs.entries}
    if len(whole) < len({entry.file_name for entry, _ in pairs}):  # one of a pair cannot be opened
        pairs = [pair for pair in pairs if pair[0].file_name in whole]
        if not pairs:
            raise ImpastoError("no pair of pictures can be opened")
        edited, inputs = encode([entry for entry, _ in pairs]), encode([before for _, before in pairs])
    scale = float(components.vae.config["scaling_factor"])
    shift = float(components.vae.config.get("shift_factor") or 0.0)
    texts = [[entry.caption, *entry.variants] for entry in edited.entries]
    return InstructPairs(replace(edited, texts=texts), [mean / scale + shift for mean in inputs.mean])


def picture_before(entry: CatalogueEntry) -> CatalogueEntry | None:
    """Returns the picture that an entry was edited from, under the entry's name; None if the metadata names none."""
    for start in _BEFORE:
        for column, file in entry.conditions.items():
            if plain_column(column).startswith(start):
                return replace(entry, file=file)
    return None

"""The recipe of a classifier of noised latents: learns a catalogue's artists or styles, for `paint --guide classifier`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from impasto.adapters.latent_classifier.files import FOLDER, ClassifierCard, save_classifier
from impasto.adapters.latent_classifier.network import LatentClassifier
from impasto.checkpoints.components import Components
from impasto.checkpoints.load import load_components
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.errors import ImpastoError
from impasto.settings import choose_device
from impasto.training.examples.training_set import TrainingSet, encode_training_set, entries_of
from impasto.training.loop.loop import train
from impasto.training.loop.progress import Progress, ShouldStop, each_step, never, no_report
from impasto.training.loop.steps import Schedule
from impasto.training.methods.guiding.classifier import ClassifierChoices, ClassifierTask
from impasto.training.recipes.pocket import write_report

LEVELS = (0.0, 0.25, 0.5, 0.75)  # shares of the noise levels at which held-out pictures are recognised


def label_of(entry: CatalogueEntry, column: str) -> str:
    """Returns a picture's artist or style, as prompts name it; "" if it is unknown."""
    return " ".join((entry.artist if column == "artist" else entry.style.replace("_", " ")).split())


def train_classifier(
    catalogue: Path,
    run: Path,
    column: str,
    choices: ClassifierChoices,
    *,
    checkpoint: str = "pocket",
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Trains on the pictures that are not held out; returns `run/classifier`, which `--guide classifier:` accepts, as `run`.

    `run/report.json` has the share of held-out pictures that are recognised at several noise levels, and chance.

    Args:
        column: "artist" or "style".

    Raises:
        ImpastoError, MissingPart: fewer than two labels with enough pictures, or no checkpoint.
        KeyboardInterrupt: `should_stop` returned true; the state is on disk.
    """
    where = choose_device(device)
    components = load_components(checkpoint, device=where, dtype=torch.float32)
    entries = [entry for entry in entries_of(catalogue) if label_of(entry, column)]
    counts = Counter(label_of(entry, column) for entry in entries)
    labels = sorted(label for label, count in counts.items() if count >= choices.fewest)
    if len(labels) < 2:
        raise ImpastoError(
            f"{catalogue} has {len(labels)} {column}s with {choices.fewest} pictures or more: a classifier needs 2 labels"
        )
    size = components.default_size
    data, numbers = _encoded(entries, labels, column, components, size, on_progress)
    task = ClassifierTask(data, numbers, len(labels), components.scheduler_config, choices, where, seed=seed)
    averages = train(
        task, run, Schedule(minutes=minutes, steps=steps, ema_decay=0.999, warmup_steps=100), seed=seed,
        on_progress=each_step(on_progress), should_stop=should_stop, pictures=task.order.batch,
    )  # fmt: skip
    model: LatentClassifier = averages["classifier"].module.eval()  # pyright: ignore[reportAssignmentType]
    card = ClassifierCard(
        column, tuple(labels), int(data.mean[0].shape[0]), choices.widths, components.name, components.content_hash
    )
    made = save_classifier(run / FOLDER, card, model).parent
    report: dict[str, object] = {
        "choices": asdict(choices), "labels": len(labels), "pictures": len(numbers), "checkpoint": components.name
    }  # fmt: skip
    try:
        held_out = [one for one in entries_of(catalogue, held_out=True) if label_of(one, column) in labels]
    except ImpastoError:
        held_out = []
    if held_out:
        tested, theirs = _encoded(held_out, labels, column, components, size, on_progress)
        report["tested"] = len(theirs)
        report["chance"] = round(float(np.bincount(theirs).max() / len(theirs)), 4)
        report["recognised"] = {f"{share:g}": round(task.accuracy(model, tested, theirs, share), 4) for share in LEVELS}
    write_report(run, report)
    return made


def _encoded(
    entries: Sequence[CatalogueEntry], labels: Sequence[str], column: str, components: Components, size: int,
    on_progress: Progress,
) -> tuple[TrainingSet, np.ndarray]:  # fmt: skip
    """Returns the pictures with one of these labels, and the number of each one's label."""
    number = {label: place for place, label in enumerate(labels)}
    known = [replace(entry, repeats=1) for entry in entries if label_of(entry, column) in number]
    data = encode_training_set(known, components, size, variants=1, on_progress=on_progress)
    return data, np.array([number[label_of(entry, column)] for entry in data.entries])

"""The recipe of the pocket captioner: titles and what they tell of tags, into a prefix and a LoRA for SmolLM2."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from impasto.checkpoints.image_features import ImageFeatures
from impasto.checkpoints.pocket_captioner import load_language_model, save_captioner, with_lora
from impasto.data.catalogue import read_catalogue
from impasto.data.embeddings import image_vectors
from impasto.data.split import is_held_out
from impasto.data.tag_vocabulary import tag_vocabulary
from impasto.errors import ImpastoError
from impasto.training.captioner import Captioned, CaptionerChoices, CaptionerTask
from impasto.training.loop import Schedule, seed_step, train
from impasto.training.progress import Progress, no_report
from impasto.training.recipes.pocket import write_report
from impasto.training.recipes.pocket_scorer import words_of
from impasto.training.tag_labels import title_labels

_MEASURED = 128  # held-out pictures


def train_pocket_captioner(
    catalogue: Path,
    records: Path,
    run: Path,
    minutes: float | None = None,
    *,
    steps: int | None = None,
    seed: int = 0,
    choices: CaptionerChoices | None = None,
    on_progress: Progress = no_report,
) -> Path:
    """Trains on the catalogue's training part; returns `run/captioner`, which `impasto data caption --captioner` takes.

    `run/report.json` holds the loss on held-out pictures with their own features, and with another picture's: what the
    prefix tells beyond the tags is the difference.

    Raises:
        ImpastoError, MissingPart: no usable picture with words, no records, a package is not installed.
    """
    choices = choices or CaptionerChoices()
    entries = [entry for entry in read_catalogue(catalogue, check_images=False).entries if any(words_of(entry)[:2])]
    if not entries:
        raise ImpastoError(f"{catalogue} holds no picture with a title or a genre")
    side = choices.config.side
    features = image_vectors(
        entries, ImageFeatures(side=side), lambda n, of: on_progress("looking at pictures", n / of, {})
    )
    seen = np.isfinite(features.sum(axis=1))
    entries, features = [entry for entry, fine in zip(entries, seen.tolist(), strict=True) if fine], features[seen]
    tags = tag_vocabulary()
    fields = [words_of(entry)[:2] for entry in entries]
    labels = title_labels(fields, records, tags, seed=seed, on_progress=on_progress)
    pictures = [Captioned(title, genre, row) for (title, genre), row in zip(fields, labels, strict=True)]
    held_out = np.array([is_held_out(entry.file_name) for entry in entries])
    language_model = load_language_model()
    torch.manual_seed(seed)
    tuned = with_lora(language_model[0], choices.config.rank)
    training = np.flatnonzero(~held_out)
    task = CaptionerTask(
        features[training], [pictures[n] for n in training], tags, language_model, tuned, choices, seed=seed
    )
    averages = train(
        task,
        run,
        Schedule(minutes=minutes, steps=steps, ema_decay=0.99, warmup_steps=30),
        seed=seed,
        on_progress=lambda n, share, losses: on_progress(f"step {n}", share, losses),
    )
    with torch.no_grad():
        for name, model in task.models.items():
            averaged = averages[name].module
            for weight, mean in zip(model.parameters(), averaged.parameters(), strict=True):
                weight.copy_(mean)
    save_captioner(run / "captioner", choices.config, task.prefix, tuned)
    report: dict[str, object] = {"choices": asdict(choices), "pictures": len(training)}
    tested = np.flatnonzero(held_out)[:_MEASURED]
    if len(tested) > 1:
        report |= _held_out_losses(task, features[tested], [pictures[n] for n in tested])
    write_report(run, report)
    return run / "captioner"


@torch.inference_mode()
def _held_out_losses(task: CaptionerTask, features: np.ndarray, pictures: list[Captioned]) -> dict[str, object]:
    """The loss with each picture's own features, and with its neighbour's."""
    task.pictures = pictures
    draw = seed_step(0, 0)
    rows = [(place, *task.text(place, draw)) for place in range(len(pictures))]
    rows = [row for row in rows if row[2]]
    task.tuned.eval()
    found: dict[str, object] = {"held_out": len(rows)}
    for name, shift in (("loss", 0), ("loss_with_another_picture", len(pictures) // 2)):
        task.features = torch.from_numpy(np.roll(features, shift, axis=0))
        parts = [(len(part := rows[start : start + 16]), float(task.loss(part))) for start in range(0, len(rows), 16)]
        found[name] = round(sum(n * loss for n, loss in parts) / max(1, len(rows)), 4)
    return found

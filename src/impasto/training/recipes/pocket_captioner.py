"""The recipe of the pocket captioner: trains a prefix and a LoRA for SmolLM2 on titles and the tags that they imply."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from impasto.errors import ImpastoError
from impasto.training.examples.labelled_pictures import LabelledPictures, labelled_pictures
from impasto.training.loop.loop import train
from impasto.training.loop.progress import Progress, ShouldStop, each_step, never, no_report
from impasto.training.loop.steps import Schedule, seed_step
from impasto.training.methods.captioner import Captioned, CaptionerChoices, CaptionerTask
from impasto.training.recipes.pocket import write_report
from impasto.vision.captioners.pocket import load_language_model, save_captioner, with_lora
from impasto.vision.features.efficientnet import ImageFeatures
from impasto.vision.taggers.interface import EncodingTagger
from impasto.vision.taggers.pocket import PocketTagger

_MEASURED = 128  # held-out pictures on which the loss is measured


def train_pocket_captioner(
    catalogue: Path,
    records: Path,
    run: Path,
    minutes: float | None = None,
    *,
    steps: int | None = None,
    seed: int = 0,
    choices: CaptionerChoices | None = None,
    tagger: EncodingTagger | None = None,
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Trains on the catalogue's training part; returns `run/captioner`, which `impasto data caption --captioner` accepts.

    `tagger` (default: the one that ships) adds tags seen in the picture to those that titles imply. Its vocabulary must be
    Impasto's, and its picture size must be the captioner's.

    `run/report.json` holds the loss on held-out pictures with their own features, and with another picture's features. The
    difference is what the prefix contributes beyond the tags.

    Raises:
        ImpastoError, MissingPart: no usable picture with texts, no records, a package is not installed.
    """
    choices = choices or CaptionerChoices()
    known = labelled_pictures(catalogue, records, side=choices.config.side, seed=seed, on_progress=on_progress)
    features, tags = known.features, known.tags
    tagger = tagger or PocketTagger()
    size = ImageFeatures(side=choices.config.side).identity
    if tagger.tags != tuple(tag.name for tag in tags) or tagger.encoder.identity != size:
        raise ImpastoError(f"{tagger.name} has another vocabulary, or sees pictures at another size, than the captioner")
    labels = _labels(known, tagger)
    pictures = [Captioned(title, genre, row) for (title, genre), row in zip(known.fields, labels, strict=True)]
    held_out = known.held_out
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
        on_progress=each_step(on_progress),
        should_stop=should_stop,
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


def _labels(known: LabelledPictures, tagger: EncodingTagger) -> np.ndarray:
    """Returns P(tag | title, genre, picture), float32 [n, tags].

    It is the tagger's probability, shifted by what title and genre add to a tag's share (naive Bayes). It is at most the
    larger of the two probabilities.
    """
    said, shares = known.labels.probabilities, known.labels.shares
    seen = np.clip(tagger.probabilities_of(known.features), 1e-6, 1 - 1e-6)
    both = 1 / (1 + np.exp(-(_logit(seen) + _logit(np.clip(said, 1e-6, 1 - 1e-6)) - _logit(shares))))
    both = np.minimum(both, np.maximum(seen, said))
    return np.where(np.isfinite(said), both, seen).astype(np.float32)


def _logit(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1 - p))


@torch.inference_mode()
def _held_out_losses(task: CaptionerTask, features: np.ndarray, pictures: list[Captioned]) -> dict[str, object]:
    """Measures the loss with each picture's own features, and with another picture's."""
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

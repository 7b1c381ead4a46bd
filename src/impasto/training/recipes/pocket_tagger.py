"""The recipe of the pocket tagger: trains it on a catalogue's pictures with tag labels from their titles and genres."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from impasto.data.annotations.contradiction import TagsInText
from impasto.training.examples.labelled_pictures import LabelledPictures, labelled_pictures
from impasto.training.examples.tag_labels import TagLabels
from impasto.training.loop.loop import train
from impasto.training.loop.progress import Progress, ShouldStop, each_step, never, no_report
from impasto.training.loop.steps import Schedule
from impasto.training.methods.tagger import TaggerChoices, TaggerTask, areas_under_curves, calibrate
from impasto.training.recipes.pocket import write_report
from impasto.vision.taggers.pocket import TagHead, save_tagger


def train_pocket_tagger(
    catalogue: Path,
    records: Path,
    run: Path,
    minutes: float | None = None,
    *,
    steps: int | None = None,
    seed: int = 0,
    choices: TaggerChoices | None = None,
    vocabulary: Path | None = None,
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Trains on the catalogue's training part; returns `run/tagger`, which `impasto data tag --tagger` accepts.

    `run/report.json` holds metrics on held-out pictures, measured by the tags that their titles name.

    Raises:
        ImpastoError, MissingPart: no usable picture with texts, no records, a package is not installed.
    """
    choices = choices or TaggerChoices()
    pictures = labelled_pictures(
        catalogue, records, side=choices.config.side, seed=seed, vocabulary=vocabulary, on_progress=on_progress
    )
    training = ~pictures.held_out
    labels = TagLabels(pictures.labels.probabilities[training], pictures.labels.shares)
    task = TaggerTask(pictures.features[training], labels, choices, seed=seed)
    averages = train(
        task,
        run,
        Schedule(minutes=minutes, steps=steps, ema_decay=0.99, warmup_steps=50),
        seed=seed,
        on_progress=each_step(on_progress),
        should_stop=should_stop,
    )
    head: TagHead = averages["head"].module  # pyright: ignore[reportAssignmentType]
    thresholds = calibrate(head, pictures.features, pictures.labels.shares)
    save_tagger(run / "tagger", choices.config, head, {
        tag.name: round(float(at), 4) for tag, at in zip(pictures.tags, thresholds, strict=True)
    })  # fmt: skip
    report: dict[str, object] = {"choices": asdict(choices), "pictures": len(task.features)}
    write_report(run, report | _figures(head, thresholds, pictures))
    return run / "tagger"


@torch.inference_mode()
def _figures(head: TagHead, thresholds: np.ndarray, pictures: LabelledPictures) -> dict[str, float]:
    tested = np.flatnonzero(pictures.held_out & np.array([bool(entry.title) for entry in pictures.entries]))
    if not len(tested):
        return {}
    p = head(torch.from_numpy(pictures.features[tested])).sigmoid().numpy()
    in_text = TagsInText([tag.name for tag in pictures.tags])
    named = np.zeros(p.shape, bool)
    for row, place in zip(named, tested, strict=True):
        row[in_text.find(pictures.entries[place].title)] = True
    given = p >= thresholds
    areas = areas_under_curves(p, named)
    return {
        "tested": len(tested),
        "areas_measured": len(areas),
        "mean_area_under_curve": round(float(np.mean(list(areas.values()))), 4) if areas else float("nan"),
        "tags_per_picture": round(float(given.sum(axis=1).mean()), 2),
        "without_a_tag": round(float((~given.any(axis=1)).mean()), 4),
        "different_tags": int(given.any(axis=0).sum()),
        "named_and_given": round(float((given & named).sum() / max(1, named.sum())), 4),
    }

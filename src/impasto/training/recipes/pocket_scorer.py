"""The recipe of the pocket scorer: trains two projections on a catalogue's pictures and texts and a museum's index terms."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from impasto.data.caches.sentence_vectors import sentence_rows
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.split import is_held_out
from impasto.training.examples.labelled_pictures import labelled_pictures, words_of
from impasto.training.loop.loop import train
from impasto.training.loop.progress import Progress, ShouldStop, each_step, never, no_report
from impasto.training.loop.steps import Schedule
from impasto.training.methods.scorer import Calibration, ScorerChoices, ScorerData, TextImageTask
from impasto.training.recipes.pocket import write_report
from impasto.vision.scorers.pocket import Projections, ScorerConfig, save_scorer

TESTED = 500
# The filter is set to drop one true pair in ten: it is not known where CLIP's 0.2 lies among true pairs of paintings.
_TRUE_PAIRS_DROPPED = 0.1


def texts_of(entry: CatalogueEntry) -> list[str]:
    """Returns the training texts of a picture: its fields, alone and combined."""
    title, genre, style, artist = words_of(entry)
    together = [
        (title,), (title, genre), (title, genre, style), (genre, style), (title, artist), (title, style),
        (title, genre, style, artist), (genre, style, artist),
    ]  # fmt: skip
    return list(dict.fromkeys(text for parts in together if (text := ", ".join(part for part in parts if part))))


def train_pocket_scorer(
    catalogue: Path,
    records: Path,
    run: Path,
    minutes: float | None = None,
    *,
    steps: int | None = None,
    seed: int = 0,
    choices: ScorerChoices | None = None,
    vocabulary: Path | None = None,
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Trains on the catalogue's training part; returns `run/scorer`, which `--scorer` accepts.

    `run/report.json` holds recall@10 and the filter's metrics on at most 500 held-out pictures, together with the baselines:
    chance, and the same projections untrained.

    Raises:
        ImpastoError, MissingPart: no usable picture with texts, no records, a package is not installed.
    """
    choices = choices or ScorerChoices()
    pictures = labelled_pictures(
        catalogue, records, side=choices.side, seed=seed, vocabulary=vocabulary, on_progress=on_progress
    )
    entries, features, tags = pictures.entries, pictures.features, pictures.tags
    labels = pictures.labels.probabilities
    texts = list(dict.fromkeys(text for entry in entries for text in texts_of(entry)))
    number = {text: place for place, text in enumerate(texts)}
    vectors = sentence_rows(
        [*texts, *(tag.name for tag in tags)], lambda n, of: on_progress("reading words", n / of, {})
    )
    words = vectors[: len(texts)]
    training = np.flatnonzero(~pictures.held_out)
    data = ScorerData(
        features[training],
        words,
        [[number[text] for text in texts_of(entries[place])] for place in training],
        vectors[len(texts) :],
        labels[training],
    )
    task = TextImageTask(data, choices, seed=seed)
    torch.manual_seed(seed)
    untrained = Projections(ScorerConfig(choices.width, choices.hidden, choices.side)).eval()
    untrained.image.load_state_dict(task.projections.image.state_dict())
    untrained.text.load_state_dict(task.projections.text.state_dict())
    averages = train(
        task,
        run,
        Schedule(minutes=minutes, steps=steps, ema_decay=0.99, warmup_steps=50),
        seed=seed,
        on_progress=each_step(on_progress),
        should_stop=should_stop,
    )
    projections: Projections = averages["projections"].module.eval()  # pyright: ignore[reportAssignmentType]
    calibration: Calibration = averages["calibration"].module  # pyright: ignore[reportAssignmentType]
    tested, others = held_out_places(entries)
    judge = _Judge(entries, features, words, number)
    threshold = judge.quantile(projections, others or tested or list(range(len(entries))), _TRUE_PAIRS_DROPPED)
    offsets = _calibrate(projections, calibration, data, features, labels, others)
    config = ScorerConfig(
        choices.width, choices.hidden, choices.side, round(threshold, 4),
        round(float(calibration.log_slope.detach().exp()), 4), round(float(offsets.median()), 4),
    )  # fmt: skip
    save_scorer(run / "scorer", config, projections, {
        tag.name: round(float(offset), 3) for tag, offset in zip(tags, offsets, strict=True)
    })  # fmt: skip
    report: dict[str, object] = {
        "choices": asdict(choices), "pictures": len(training), "threshold": config.threshold,
        "tested": len(tested),
    }  # fmt: skip
    if tested:
        report["trained"] = judge.figures(projections, tested, threshold)
        report["untrained"] = judge.figures(untrained, tested, None)
        report["chance_recall_at_10"] = round(min(1.0, 10 / len(tested)), 4)
    write_report(run, report)
    return run / "scorer"


def held_out_places(entries: Sequence[CatalogueEntry]) -> tuple[list[int], list[int]]:
    """Returns the indices of the held-out pictures for the metrics, and of the other held-out pictures.

    The first are at most 500 with title, genre and style. Thresholds and offsets are fitted on the others.
    """
    held_out = [is_held_out(entry.file_name) for entry in entries]
    whole = [n for n, entry in enumerate(entries) if held_out[n] and all(words_of(entry)[:3])]
    chosen = np.random.default_rng(0).permutation(len(whole))[:TESTED]
    tested = sorted(whole[n] for n in chosen)
    out = set(tested)
    return tested, [n for n, out_of_training in enumerate(held_out) if out_of_training and n not in out]


def _calibrate(
    projections: Projections,
    calibration: Calibration,
    data: ScorerData,
    features: np.ndarray,
    labels: np.ndarray,
    places: Sequence[int],
) -> torch.Tensor:
    """Returns the offsets [tags], shifted so that on held-out pictures each tag's mean probability is that of the labels.

    A tag that is expected less than once among these pictures keeps its trained offset.
    """
    with torch.inference_mode():
        offsets = calibration.offsets.detach().clone()
        known = [n for n in places if np.isfinite(labels[n]).all()]
        if not known:
            return offsets
        images = projections.image(torch.from_numpy(features[known]))
        products = calibration.log_slope.exp() * (images @ projections.text(torch.from_numpy(data.tags)).T)
        wanted = torch.from_numpy(labels[known]).sum(dim=0)
        moved = offsets.clone()
        for _ in range(20):  # Newton's method, for each offset alone
            p = (products + moved).sigmoid()
            moved = moved + ((wanted - p.sum(dim=0)) / (p * (1 - p)).sum(dim=0).clamp(min=0.1)).clamp(-1, 1)
        return torch.where(wanted >= 1, moved, offsets)


class _Judge:
    """Measures recall and the filter's metrics on held-out pictures."""

    def __init__(
        self, entries: Sequence[CatalogueEntry], features: np.ndarray, words: np.ndarray, number: dict[str, int]
    ) -> None:
        self._entries, self._features, self._words, self._number = entries, features, words, number

    @torch.inference_mode()
    def _products(self, projections: Projections, places: Sequence[int], fields: Sequence[int]) -> torch.Tensor:
        """Returns similarities [texts, pictures]; text k belongs to picture k."""
        known = [words_of(self._entries[n]) for n in places]
        texts = [", ".join(words[field] for field in fields if words[field]) for words in known]
        vectors = torch.from_numpy(self._words[[self._number[text] for text in texts]])
        return projections.text(vectors) @ projections.image(torch.from_numpy(self._features[list(places)])).T

    def quantile(self, projections: Projections, places: Sequence[int], share: float) -> float:
        """Returns the similarity below which `share` of the true pairs lie (text: title, genre and style)."""
        with_words = [n for n in places if words_of(self._entries[n])[0]] or list(places)
        return float(self._products(projections, with_words, (0, 1, 2)).diagonal().quantile(share))

    def figures(self, projections: Projections, places: Sequence[int], threshold: float | None) -> dict[str, float]:
        """Returns recall@10 and the share of shuffled pairs rejected where one true pair in ten is.

        Both are measured by title, and by title, genre and style.
        """
        found: dict[str, float] = {}
        shuffle = torch.roll(torch.arange(len(places)), len(places) // 2)
        for name, fields in (("title", (0,)), ("title_genre_style", (0, 1, 2))):
            products = self._products(projections, places, fields)
            true, wrong = products.diagonal(), products[torch.arange(len(places)), shuffle]
            better = (products > true[:, None]).sum(dim=1)
            found[f"recall_at_10_{name}"] = round(float((better < 10).float().mean()), 4)
            cut = true.quantile(_TRUE_PAIRS_DROPPED)
            found[f"shuffled_rejected_at_10_percent_{name}"] = round(float((wrong < cut).float().mean()), 4)
            if threshold is not None:
                found[f"true_below_threshold_{name}"] = round(float((true < threshold).float().mean()), 4)
                found[f"shuffled_below_threshold_{name}"] = round(float((wrong < threshold).float().mean()), 4)
        return found

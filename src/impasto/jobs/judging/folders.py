"""Computes measures for folders: selects the pictures, extracts features, and collects notes for the user."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError
from impasto.spreading import HERE, Spread

if TYPE_CHECKING:
    from impasto.data.catalogue.entry import CatalogueEntry
    from impasto.evaluation.estimate import Measured
    from impasto.evaluation.features import FeatureSet
    from impasto.evaluation.judgement import Judging
    from impasto.evaluation.style_probe import StyleProbe
    from impasto.vision.scorers.interface import ImageEncoder

_NAMED = 3  # number of pictures per folder that are named if they cannot be opened


@dataclass(frozen=True)
class Question:
    """The folders, the real pictures and the options of an evaluation; see `impasto evaluate --help`."""

    paintings: list[Path]
    against: Path
    features: str
    weights: Path | None = None
    artist: str | None = None
    held_out: bool = False
    count: int | None = None
    scorer: str | None = None
    device: str = "auto"
    only: "Mapping[Path, frozenset[str]] | None" = None  # of some folders, the files that count


@dataclass(frozen=True)
class JudgedFolder:
    """A folder's measures, in the order of printing, and its number of pictures."""

    folder: str
    pictures: int
    measures: "dict[str, Measured]"


@dataclass(frozen=True)
class Evaluation:
    """The results of an evaluation, and the extractor that was used. `level` is the level of the intervals, 0 to 1."""

    judged: list[JudgedFolder]
    against: str
    real_pictures: int
    extractor: str
    identity: str
    width: int
    is_fid: bool
    level: float
    notes: list[str]


@dataclass(frozen=True)
class _Seen:
    """Extracts the features of folders' entries with one extractor; messages for the user go to `notes`."""

    extractor: "ImageEncoder"
    update: Callable[[str, float], None]
    notes: list[str]
    spread: Spread = HERE
    probes: "dict[tuple[str, ...], StyleProbe]" = field(default_factory=dict)

    def features(self, name: str, entries: "list[CatalogueEntry]") -> "FeatureSet":
        from impasto.data.catalogue.entry import CatalogueReport
        from impasto.evaluation.features import features_of

        report = CatalogueReport()
        found = features_of(
            name,
            entries,
            self.extractor,
            lambda done, of: self.update(f"{name}: {done} of {of} pictures", done / of),
            report=report,
            spread=self.spread,
        )
        self.notes.extend([f"{name}: {skip.file_name}: {skip.reason}" for skip in report.skipped[:_NAMED]])
        if len(report.skipped) > _NAMED:
            self.notes.append(f"{name}: {len(report.skipped)} pictures are left out in all")
        return found


def evaluate_folders(
    question: Question, judging: "Judging", update: Callable[[str, float], None], spread: Spread = HERE
) -> Evaluation:
    """Computes the measures of all folders in `question`.

    Args:
        question: the folders and options.
        judging: the measures to compute.
        update: called with (name of the step, share of it done).
        spread: encodes the pictures.

    Raises:
        UsageError, MissingPart, ImpastoError: the same as `load_extractor`, `read_catalogue`, `features_of` and `judge`.
    """
    from impasto.evaluation.estimate import LEVEL
    from impasto.evaluation.features import load_extractor
    from impasto.evaluation.inspection import shared_pictures
    from impasto.evaluation.judgement import is_fid
    from impasto.settings import choose_device

    extractor = load_extractor(question.features, weights=question.weights, device=choose_device(question.device))
    seen = _Seen(extractor, update, [], spread)
    everything = _entries(question.against, seen.notes)
    real = seen.features(str(question.against), _chosen(everything, question))
    judged = []
    for folder in question.paintings:
        entries = _entries(folder, seen.notes)
        if question.only is not None and folder in question.only:
            entries = [entry for entry in entries if entry.file_name in question.only[folder]]
        entries = _cut(entries, question.count, judging.seed, folder)
        shared = shared_pictures(entries, real.entries)
        if shared:
            seen.notes.append(f"{folder}: {len(shared)} are pictures of {question.against} themselves ({shared[0]}, ...)")
        judged.append(_judge(folder, entries, everything, real, question, judging, seen))
    if len({folder.pictures for folder in judged}) > 1:
        seen.notes.append("folders of different sizes: the Fréchet distance at n is larger for fewer pictures; use --count")
    return Evaluation(
        judged, str(question.against), len(real.rows), extractor.name, extractor.identity, extractor.width,
        is_fid(extractor), LEVEL, seen.notes,
    )  # fmt: skip


def _judge(
    folder: Path,
    entries: "list[CatalogueEntry]",
    everything: "list[CatalogueEntry]",
    real: "FeatureSet",
    question: Question,
    judging: "Judging",
    seen: _Seen,
) -> JudgedFolder:
    from impasto.evaluation.estimate import Refused
    from impasto.evaluation.inspection import notes_on_pictures
    from impasto.evaluation.judgement import judge
    from impasto.evaluation.named_artists import named_artists, probe_entries
    from impasto.evaluation.prompt_similarity import prompt_similarity
    from impasto.jobs.judging.painted_pictures import read_recorded_prompts
    from impasto.vision.scorers.interface import load_scorer

    seen.notes.extend(notes_on_pictures(folder, entries))
    paintings = seen.features(str(folder), entries)
    measures = judge(paintings, real, seen.extractor, judging)
    asked = read_recorded_prompts(paintings.entries)
    if "similarity" in judging.measures:
        measures["similarity"] = prompt_similarity(
            paintings.entries,
            [one.prompt for one in asked],
            load_scorer(question.scorer),
            lambda done, of: seen.update(f"{folder}: {done} of {of} pictures beside their prompts", done / of),
            seed=judging.seed,
            spread=seen.spread,
        )
    if "style" in judging.measures:
        artists = [one.artist for one in asked]
        works = probe_entries(everything, artists)
        measures["style"] = (
            named_artists(paintings, artists, seen.features(real.name, works), seed=judging.seed, probes=seen.probes)
            if len(works) > 1
            else Refused("no painting's record names an artist of the catalogue")
        )
    return JudgedFolder(str(folder), len(paintings.rows), measures)


def _entries(folder: Path, notes: list[str]) -> "list[CatalogueEntry]":
    from impasto.data.catalogue.read import read_catalogue

    catalogue = read_catalogue(folder, check_images=False)
    notes += [f"{folder}: {skip.file_name}: {skip.reason}" for skip in catalogue.report.skipped[:_NAMED]]
    return catalogue.entries


def _chosen(entries: "list[CatalogueEntry]", question: Question) -> "list[CatalogueEntry]":
    """The real pictures for the comparison."""
    from impasto.data.catalogue.split import is_held_out

    if question.artist is not None:
        entries = [entry for entry in entries if entry.artist.casefold() == question.artist.casefold()]
        if not entries:
            raise ImpastoError(f"{question.against} holds no picture by {question.artist}: see `impasto data stats`")
    if question.held_out:
        entries = [entry for entry in entries if is_held_out(entry.file_name)]
        if not entries:
            raise ImpastoError(f"none of these pictures of {question.against} is held out from training")
    return entries


def _cut(entries: "list[CatalogueEntry]", count: int | None, seed: int, folder: Path) -> "list[CatalogueEntry]":
    if count is None:
        return entries
    if count > len(entries):
        raise ImpastoError(f"--count {count}: {folder} holds {len(entries)} pictures")
    return random.Random(seed).sample(entries, count)

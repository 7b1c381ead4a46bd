"""Tags a catalogue's pictures: a tagger chooses the probable tags of each picture from a fixed vocabulary."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from impasto.data.annotations.log import IMPORTED, AnnotationLog, content_of
from impasto.data.annotations.tag_vocabulary import tag_vocabulary
from impasto.data.caches.image_vectors import image_vectors
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.pictures import open_picture
from impasto.data.catalogue.read import Catalogue, catalogue_parts
from impasto.errors import ImpastoError, UsageError
from impasto.spreading import HERE, Spread
from impasto.vision.taggers.interface import Tagger, is_encoding

CHUNK = 64  # pictures whose tags go to disk together: a kill loses at most these
# Pictures that are encoded before their tags are chosen: RAM's vectors of all of WikiArt would take 1.5 GB.
_BLOCK = 64 * CHUNK
MOST_TAGS = 12
AT_LEAST = 0.25


@dataclass
class TagOutcome:
    """The numbers of pictures tagged in this run (`tagged`) and before (`known`), the count of each tag, and a report."""

    tagged: int = 0
    known: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    report: CatalogueReport = field(default_factory=CatalogueReport)


def tag_catalogue(
    folder: Path,
    tagger: Tagger,
    *,
    at_least: float | None = None,
    most: int = MOST_TAGS,
    on_progress: Callable[[int, int], None] | None = None,
    spread: Spread = HERE,
) -> TagOutcome:
    """Writes the tags of every picture that has none by this tagger yet, the most probable tag first.

    A killed run can be resumed. A picture gets at most `most` tags whose probability is at least `at_least`, and always its
    most probable tag. Without `at_least` each tag has the tagger's own threshold, or 0.25 if the tagger has none.
    `on_progress` is called with (done, total). With another `spread`, its workers encode the pictures for a tagger that
    works on an encoder's vectors.

    Raises:
        UsageError: `at_least` is not between 0 and 1, or `most` is less than 1.
        ImpastoError: the catalogue cannot be read, or its log cannot be written.
    """
    if at_least is not None and not 0 <= at_least <= 1:
        raise UsageError(f"--at-least {at_least:g}: a probability lies between 0 and 1")
    if most < 1:
        raise UsageError(f"--most {most}: use 1 or more")
    outcome = TagOutcome()
    settings = f"{tagger.identity[:32]}/{'own' if at_least is None else f'{at_least:g}'}/{most}"
    choice = _Choice(tagger, thresholds_of(tagger, at_least), most, settings)
    for part in catalogue_parts(folder, check_images=False, annotations=False):
        _tag_part(part, choice, outcome, on_progress, spread)
        outcome.report.add(part.report)
    return outcome


@dataclass(frozen=True)
class _Choice:
    """The tagger, each tag's threshold, the most tags of a picture, and what rows of the log name these settings by."""

    tagger: Tagger
    thresholds: np.ndarray
    most: int
    settings: str


def _tag_part(
    part: Catalogue, choice: _Choice, outcome: TagOutcome, on_progress: Callable[[int, int], None] | None, spread: Spread
) -> None:
    tagger, log = choice.tagger, AnnotationLog(part.home, "tags")
    before = log.latest()
    missing: list[tuple[CatalogueEntry, str]] = []
    for entry, content in _contents(part.entries, part.report):
        row = before.get(entry.file_name, {})
        is_imported = str(row.get("tagger")).startswith(IMPORTED)
        if row.get("content") == content and (row.get("tagger") == choice.settings or is_imported):
            outcome.known += 1
            _count(outcome, [str(name) for name, _ in row["tags"]])
        else:
            missing.append((entry, content))
    vectors, progress = np.zeros((0, 0), np.float32), _Progress(on_progress, part, len(missing))
    progress.tell(0)  # a run that goes on begins where it was
    whole = _BLOCK * max(1, spread.workers // 8)  # a block ends when its last chunk does: the more workers, the larger
    for start in range(0, len(missing), CHUNK):
        chunk = missing[start : start + CHUNK]
        if is_encoding(tagger):
            # Encoding takes most of the time. The cache keeps the finished vectors after a kill.
            if start % whole == 0:
                block = [entry for entry, _ in missing[start : start + whole]]
                vectors = image_vectors(block, tagger.encoder, progress.after(start), report=part.report, spread=spread)
            place = start % whole
            known = tagger.probabilities_of(vectors[place : place + CHUNK])
            probabilities = [row if np.isfinite(row).all() else None for row in known]
        else:
            probabilities = _probabilities(tagger, [entry for entry, _ in chunk], part.report)
        rows = []
        for (entry, content), p in zip(chunk, probabilities, strict=True):
            if p is None:
                continue
            tags = chosen_tags(p, tagger.tags, choice.thresholds, choice.most)
            picture = {"file_name": entry.file_name, "content": content}
            rows.append({**picture, "by": tagger.name, "tagger": choice.settings, "tags": tags})
            _count(outcome, [name for name, _ in tags])
        log.append(rows)
        outcome.tagged += len(rows)
        progress.tell(start + len(chunk))


def thresholds_of(tagger: Tagger, at_least: float | None = None) -> np.ndarray:
    """Returns each tag's threshold, the lowest probability at which the tag is given, float32 [tags]."""
    if at_least is None and tagger.thresholds is not None:
        return tagger.thresholds
    return np.full(len(tagger.tags), AT_LEAST if at_least is None else at_least, np.float32)


def chosen_tags(p: np.ndarray, names: Sequence[str], thresholds: np.ndarray, most: int) -> list[tuple[str, float]]:
    """Returns (name, probability) of at most `most` tags, the most probable first; the first one whatever its probability.

    If all names are of the built-in vocabulary, only the most probable kind of picture is given, and kinds that are more
    specific ("portrait", then "portrait of a woman").
    """
    order = np.argsort(-p, kind="stable")
    kinds = _kinds_among(tuple(names))
    chosen: list[int] = []
    kind = ""
    for place, n in enumerate(order.tolist()):
        if len(chosen) == most:
            break
        if place and p[n] < thresholds[n]:
            continue
        if names[n] in kinds:
            if kind and kind not in names[n]:
                continue
            kind = names[n]
        chosen.append(n)
    return [(names[n], round(float(p[n]), 3)) for n in chosen]


@lru_cache(maxsize=4)
def _kinds_among(names: tuple[str, ...]) -> frozenset[str]:
    ours = tag_vocabulary()
    if not {*names} <= {tag.name for tag in ours}:
        return frozenset()  # another model's tags, which are given as the model gives them
    return frozenset(tag.name for tag in ours if tag.category == "kind of picture")


class _Progress:
    """Tells how many pictures are done, and never a lower number than before: each is encoded, then tagged."""

    def __init__(self, on_progress: Callable[[int, int], None] | None, part: Catalogue, missing: int) -> None:
        self._on_progress, self._part, self._missing, self._done = on_progress, part, missing, -1

    def tell(self, done: int) -> None:
        if self._on_progress is not None and done > self._done:
            self._done = done
            self._on_progress(*self._part.progress(done, self._missing))

    def after(self, start: int) -> Callable[[int, int], None]:
        return lambda done, _: self.tell(start + done)


def _contents(entries: Sequence[CatalogueEntry], report: CatalogueReport) -> list[tuple[CatalogueEntry, str]]:
    def content(entry: CatalogueEntry) -> str | ImpastoError:
        try:
            return content_of(entry.file)
        except ImpastoError as error:
            return error

    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for entry, told in zip(entries, pool.map(content, entries), strict=True):
            if isinstance(told, str):
                found.append((entry, told))
            else:
                report.skipped.append(Skipped(entry.file_name, str(told).removeprefix(f"{entry.file} ")))
    return found


def _probabilities(tagger: Tagger, entries: Sequence[CatalogueEntry], report: CatalogueReport) -> list[np.ndarray | None]:
    """Returns the probabilities [tags] of each picture; None if it cannot be read, which is added to `report`."""
    pictures, found = {}, dict[int, np.ndarray]()
    for number, entry in enumerate(entries):
        try:
            pictures[number] = open_picture(entry.file)
        except ImpastoError as error:
            report.skipped.append(Skipped(entry.file_name, str(error).removeprefix(f"{entry.file}: ")))
    if pictures:
        found = dict(zip(pictures, tagger.probabilities(list(pictures.values())), strict=True))
    return [found.get(number) for number in range(len(entries))]


def _count(outcome: TagOutcome, names: Sequence[str]) -> None:
    for name in names:
        outcome.counts[name] = outcome.counts.get(name, 0) + 1

"""The filter of wang2023, section 4.1: drops pairs of picture and caption whose similarity is below a threshold."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.annotations.merged import Annotation, Annotations
from impasto.data.caches.image_vectors import image_vectors
from impasto.data.catalogue.entry import MOST_NAMED, CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.read import Catalogue, catalogue_parts
from impasto.errors import ImpastoError, UsageError
from impasto.vision.scorers.interface import TextImageScorer

_TEXTS_AT_ONCE = 1024


@dataclass(frozen=True)
class Judged:
    """One pair of picture and caption: its similarity, -1..1, and whether the pair is kept.

    Attributes:
        by_person: a human reviewer decided about the picture, which overrides the filter.
    """

    file_name: str
    caption: str
    similarity: float
    kept: bool
    by_person: bool = False


@dataclass
class FilterOutcome:
    """The pairs, the least similar first; pictures without a caption; a report of what could not be read.

    Attributes:
        judged: the pairs; of shards only the `MOST_NAMED` least similar, while the numbers count all.
        without_caption: names of pictures without a caption; of shards at most `MOST_NAMED`.
        kept_pairs, dropped_pairs, kept_by_person, uncaptioned: the numbers of pairs and of pictures without a caption.
    """

    judged: list[Judged]
    threshold: float
    without_caption: list[str] = field(default_factory=list)
    report: CatalogueReport = field(default_factory=CatalogueReport)
    kept_pairs: int = 0
    dropped_pairs: int = 0
    kept_by_person: int = 0
    uncaptioned: int = 0

    @property
    def kept(self) -> list[Judged]:
        return [pair for pair in self.judged if pair.kept]

    @property
    def dropped(self) -> list[Judged]:
        return [pair for pair in self.judged if not pair.kept]

    def add(self, judged: list[Judged], without_caption: list[str], *, bounded: bool) -> None:
        """Adds the pairs of a part, and with `bounded` forgets all but the least similar."""
        self.kept_pairs += sum(pair.kept for pair in judged)
        self.dropped_pairs += sum(not pair.kept for pair in judged)
        self.kept_by_person += sum(pair.kept and pair.by_person for pair in judged)
        self.uncaptioned += len(without_caption)
        self.judged = sorted([*self.judged, *judged], key=lambda pair: (pair.similarity, pair.file_name))
        self.without_caption += without_caption
        if bounded:
            self.judged = self.judged[:MOST_NAMED]
            self.without_caption = self.without_caption[:MOST_NAMED]


def filter_catalogue(
    folder: Path,
    scorer: TextImageScorer,
    below: float | None = None,
    *,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> FilterOutcome:
    """Compares every caption of a catalogue with its picture, and drops the pairs whose similarity is below `below`.

    Similarities are written to the similarity log and computed again only for another picture, caption or scorer; decisions
    are written to the filter log. A picture that a reviewer rejected is not judged; one that a reviewer accepted or whose
    caption a reviewer wrote is kept. `below` defaults to the scorer's own threshold. With `dry_run` the catalogue is not
    changed. `on_progress` is called with (done, total).

    Raises:
        UsageError: `below` is not between -1 and 1.
        ImpastoError: the catalogue or its logs cannot be read or written.
    """
    threshold = scorer.threshold if below is None else below
    if not -1 <= threshold <= 1:
        raise UsageError(f"--below {threshold:g}: a similarity lies between -1 and 1")
    outcome = FilterOutcome([], threshold)
    for part in catalogue_parts(folder, check_images=False, annotations=False):
        _filter_part(part, scorer, outcome, dry_run, on_progress)
        outcome.report.add(part.report)
    return outcome


def _filter_part(
    part: Catalogue,
    scorer: TextImageScorer,
    outcome: FilterOutcome,
    dry_run: bool,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    annotations, threshold = Annotations(part.home), outcome.threshold
    part.report.warnings += annotations.warnings(part.home)
    pairs: list[_Pair] = []
    without_caption: list[str] = []
    for entry, known in zip(part.entries, annotations.of(part.entries), strict=True):
        caption = known.caption_of(entry)
        if known.verdict is not None and known.verdict.rejected:
            part.report.skipped.append(Skipped(entry.file_name, "rejected in review"))
        elif not caption:
            without_caption.append(entry.file_name)
        else:
            try:
                pairs.append(_Pair(entry, known, caption, content_of(entry.file)))
            except ImpastoError as error:
                part.report.skipped.append(Skipped(entry.file_name, str(error).removeprefix(f"{entry.file} ")))
    judged, rows = [], []
    for pair, similarity in zip(pairs, _similarities(part, pairs, scorer, dry_run, on_progress), strict=True):
        if not math.isfinite(similarity):
            continue  # it is in the report
        enough, by_person = similarity >= threshold, pair.known.verdict is not None
        name = pair.entry.file_name
        judged.append(Judged(name, pair.caption, similarity, enough or by_person, by_person))
        reason = "" if enough else f"similarity {similarity:.3f} is below {threshold:g}"
        said = {"kept": enough, "similarity": similarity, "threshold": threshold, "reason": reason}
        rows.append({"file_name": name, "content": pair.content, **said, "text": pair.caption})
    outcome.add(judged, without_caption, bounded=part.home != part.folder)
    if not dry_run:
        log = AnnotationLog(part.home, "filter")
        before = log.latest()
        log.append([row for row in rows if before.get(row["file_name"]) != row])


@dataclass(frozen=True)
class _Pair:
    entry: CatalogueEntry
    known: Annotation
    caption: str
    content: str


def _similarities(
    part: Catalogue,
    pairs: Sequence[_Pair],
    scorer: TextImageScorer,
    dry_run: bool,
    on_progress: Callable[[int, int], None] | None,
) -> list[float]:
    """Returns the similarity of each pair, -1..1; NaN if the picture cannot be read. New similarities go to the log."""
    known = [pair.known.similarity_by(scorer.identity, pair.caption) for pair in pairs]
    missing = [n for n, similarity in enumerate(known) if similarity is None]
    found = [math.nan if similarity is None else similarity for similarity in known]

    def tell(done: int, of: int) -> None:
        if on_progress is not None:
            on_progress(*part.progress(done, of))

    vectors = image_vectors([pairs[n].entry for n in missing], scorer, tell, report=part.report)
    log = AnnotationLog(part.home, "similarity")
    for start in range(0, len(missing), _TEXTS_AT_ONCE):
        places = missing[start : start + _TEXTS_AT_ONCE]
        texts = scorer.embed_texts([pairs[n].caption for n in places])
        products = np.einsum("nw,nw->n", vectors[start : start + len(places)], texts)
        rows = []
        for n, product in zip(places, products, strict=True):
            if math.isfinite(product):
                found[n] = round(float(product), 6)
                rows.append({
                    "file_name": pairs[n].entry.file_name, "content": pairs[n].content, "by": scorer.name,
                    "scorer": scorer.identity, "text": pairs[n].caption, "similarity": found[n],
                })  # fmt: skip
        if not dry_run:
            log.append(rows)
    return found

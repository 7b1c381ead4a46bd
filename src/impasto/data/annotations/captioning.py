"""Writes captions for a catalogue's pictures: a captioner proposes candidates, a tagger and a scorer choose among them.

wang2023 (section 4.1) tags with RAM and captions with Tag2Text, which takes the tags as input. Here the captioner also gets
the tags. A candidate that names a tag with a low probability is discarded; the scorer picks the best of the others.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from impasto.data.annotations.contradiction import TagsInText
from impasto.data.annotations.log import IMPORTED, AnnotationLog, content_of
from impasto.data.annotations.tag_phrase import tags_as_phrase
from impasto.data.annotations.tag_vocabulary import Tag
from impasto.data.annotations.tagging import MOST_TAGS, chosen_tags, thresholds_of
from impasto.data.caches.image_vectors import image_vectors
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.pictures import open_picture
from impasto.data.catalogue.read import Catalogue, catalogue_parts
from impasto.errors import ImpastoError, UsageError
from impasto.vision.captioners.interface import Captioner
from impasto.vision.captioners.pocket import PocketCaptioner
from impasto.vision.scorers.interface import ImageEncoder, TextImageScorer
from impasto.vision.taggers.interface import EncodingTagger

CHUNK = 192  # pictures whose captions go to disk together: a kill loses at most these, a minute of work
CANDIDATES = 3
# A caption that names a tag with a probability below this contradicts the picture.
IMPROBABLE = 0.03


@dataclass
class CaptionOutcome:
    """The numbers of pictures captioned in this run (`captioned`) and before (`known`), and a report of what was skipped."""

    captioned: int = 0
    known: int = 0
    contradicted: int = 0  # candidates discarded because of the tags
    from_tags: int = 0  # pictures whose candidates were all discarded: the caption is a phrase made of the tags
    report: CatalogueReport = field(default_factory=CatalogueReport)


def caption_catalogue(
    folder: Path,
    captioner: Captioner,
    tagger: EncodingTagger,
    scorer: TextImageScorer,
    vocabulary: Sequence[Tag],
    *,
    candidates: int = CANDIDATES,
    seed: int = 0,
    all_pictures: bool = False,
    most: int | None = None,
    by_turns: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> CaptionOutcome:
    """Captions every picture that has no text in the metadata and no caption by this captioner yet.

    A killed run can be resumed. `scorer` picks among the candidates. With `all_pictures`, pictures with a text are captioned
    too (the text still takes precedence over the generated caption). The run ends after `most` pictures. With `by_turns`,
    the artists take turns within each part of the catalogue, so that a stopped run has captioned as many pictures of each.
    `on_progress` is called with (done, total).

    Raises:
        UsageError: `candidates` is less than 1.
        ImpastoError: the catalogue cannot be read, its log cannot be written, or the captioner cannot run.
    """
    if candidates < 1:
        raise UsageError(f"--candidates {candidates}: use 1 or more")
    outcome = CaptionOutcome()
    asked = _Asked(captioner, tagger, scorer, vocabulary, candidates, seed, all_pictures, by_turns)
    for part in catalogue_parts(folder, check_images=False, annotations=False):
        left = None if most is None else most - outcome.captioned
        if left == 0:
            break
        _caption_part(part, asked, left, outcome, on_progress)
        outcome.report.add(part.report)
    return outcome


@dataclass(frozen=True)
class _Asked:
    """What `caption_catalogue` was called with."""

    captioner: Captioner
    tagger: EncodingTagger
    scorer: TextImageScorer
    vocabulary: Sequence[Tag]
    candidates: int
    seed: int
    all_pictures: bool
    by_turns: bool

    @property
    def settings(self) -> str:
        """What rows of the log name these settings by."""
        parts = (self.captioner.identity[:32], self.tagger.identity[:16], self.scorer.identity[:16])
        return f"{'/'.join(parts)}/{self.candidates}/{self.seed}"


def _caption_part(
    part: Catalogue,
    asked: _Asked,
    most: int | None,
    outcome: CaptionOutcome,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    captioner, settings, log = asked.captioner, asked.settings, AnnotationLog(part.home, "captions")
    before = log.latest()
    missing: list[tuple[CatalogueEntry, str]] = []
    has_text: Counter[str] = Counter()  # pictures of each artist that need no caption
    for entry in part.entries:
        if entry.caption and not asked.all_pictures:
            has_text[entry.artist] += 1
            continue
        try:
            content = content_of(entry.file)
        except ImpastoError as error:
            part.report.skipped.append(Skipped(entry.file_name, str(error).removeprefix(f"{entry.file} ")))
            continue
        row = before.get(entry.file_name, {})
        is_imported = str(row.get("captioner")).startswith(IMPORTED) and not asked.all_pictures
        if row.get("content") == content and (row.get("captioner") == settings or is_imported):
            outcome.known += 1
            has_text[entry.artist] += 1
        else:
            missing.append((entry, content))
    missing = (_in_turns(missing, has_text) if asked.by_turns else missing)[:most]
    # All pictures of the part are encoded once, before any caption is written; the vectors are kept in the cache.
    looked = _Looked([entry for entry, _ in missing], part.report)
    choice = _Choice(asked.tagger, asked.scorer, asked.vocabulary, outcome, looked)
    for start in range(0, len(missing), CHUNK):
        chunk = range(start, min(start + CHUNK, len(missing)))
        rows = []
        for place, written in _candidates(missing, chunk, captioner, choice, looked, asked.candidates, asked.seed):
            entry, content = missing[place]
            caption, similarity = choice.best(place, written)
            rows.append({
                "file_name": entry.file_name, "content": content, "by": captioner.name, "captioner": settings,
                "caption": caption, "similarity": round(similarity, 4), "candidates": written,
            })  # fmt: skip
        log.append(rows)
        outcome.captioned += len(rows)
        if on_progress is not None:
            on_progress(*part.progress(chunk.stop, len(missing)))


def _in_turns(missing: Sequence[tuple[CatalogueEntry, str]], has_text: Counter[str]) -> list[tuple[CatalogueEntry, str]]:
    """Returns the pictures so that at every place the artists have about as many texts, counting those that they have."""
    counts, turns = has_text.copy(), []
    for entry, _ in missing:
        turns.append(counts[entry.artist])
        counts[entry.artist] += 1
    return [one for _, one in sorted(zip(turns, missing, strict=True), key=lambda pair: pair[0])]


class _Looked:
    """Holds the vectors of all pictures of a job, by encoder; each encoder runs over the pictures once."""

    def __init__(self, entries: Sequence[CatalogueEntry], report: CatalogueReport) -> None:
        self.entries, self._report = entries, report
        self._vectors: dict[str, np.ndarray] = {}

    def vectors(self, encoder: ImageEncoder) -> np.ndarray:
        """Returns float32 [n, width]; a row of NaN for a picture that cannot be read, which is reported once."""
        if encoder.identity not in self._vectors:
            report = None if self._vectors else self._report
            self._vectors[encoder.identity] = image_vectors(self.entries, encoder, report=report)
        return self._vectors[encoder.identity]


class _Choice:
    """Chooses among caption candidates by the tagger's probabilities and the scorer's similarities."""

    def __init__(
        self,
        tagger: EncodingTagger,
        scorer: TextImageScorer,
        vocabulary: Sequence[Tag],
        outcome: CaptionOutcome,
        looked: _Looked,
    ) -> None:
        self._tagger, self._scorer, self._outcome, self._looked = tagger, scorer, outcome, looked
        self._tags = {tag.name: tag for tag in vocabulary}
        self._in_text = TagsInText(tagger.tags)
        self._thresholds = thresholds_of(tagger)

    def tags(self, place: int) -> list[str]:
        """Returns the tags of a picture that can be read."""
        p = self._probabilities(place)
        return [name for name, _ in chosen_tags(p, self._tagger.tags, self._thresholds, MOST_TAGS)]

    def vector(self, place: int) -> np.ndarray:
        """Returns the scorer's vector of a picture: NaN if the picture cannot be read."""
        return self._looked.vectors(self._scorer)[place]

    def _probabilities(self, place: int) -> np.ndarray:
        return self._tagger.probabilities_of(self._looked.vectors(self._tagger.encoder)[place : place + 1])[0]

    def best(self, place: int, candidates: Sequence[str]) -> tuple[str, float]:
        """Returns the candidate with the highest similarity among those that contradict no tag, and its similarity, -1..1.

        If every candidate contradicts the tags, the caption is a phrase made of the tags.
        """
        p = self._probabilities(place)
        texts = list(dict.fromkeys(text for text in candidates if text))
        fitting = [text for text in texts if not self._in_text.contradictions(text, p, below=IMPROBABLE)]
        self._outcome.contradicted += len(texts) - len(fitting)
        if not fitting:
            self._outcome.from_tags += 1
            likely = self.tags(place)
            phrase = tags_as_phrase([self._tags.get(name, Tag(name)) for name in likely])
            fitting = [phrase or likely[0]]
        similarities = self._scorer.embed_texts(fitting) @ self.vector(place)
        best = int(np.argmax(similarities))
        return fitting[best], float(similarities[best])


def _candidates(
    missing: Sequence[tuple[CatalogueEntry, str]],
    chunk: range,
    captioner: Captioner,
    choice: _Choice,
    looked: _Looked,
    count: int,
    seed: int,
) -> Iterator[tuple[int, list[str]]]:
    """Yields (place, candidates) for the pictures of a chunk that can be read."""
    seen = [n for n in chunk if np.isfinite(choice.vector(n)).all()]
    tags = [choice.tags(n) for n in seen]
    # Each picture has its own seed, so that its candidates do not depend on the pictures before it.
    seeds = [int.from_bytes(hashlib.sha256(f"{seed}/{missing[n][1]}".encode()).digest()[:6], "big") for n in seen]
    if isinstance(captioner, PocketCaptioner):
        if seen:
            features = looked.vectors(captioner.features)[seen]
            yield from zip(seen, captioner.caption_features(features, tags=tags, count=count, seeds=seeds), strict=True)
        return
    for n, told, own in zip(seen, tags, seeds, strict=True):
        try:
            picture = open_picture(missing[n][0].file)
        except ImpastoError:  # it could be read a moment ago: the next run reports it
            continue
        yield n, captioner.caption([picture], tags=[told], count=count, seeds=[own])[0]

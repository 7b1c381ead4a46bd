"""Captions for a catalogue's pictures: several candidates each, and the one that fits the picture and its tags.

wang2023 (section 3.1) tags with RAM and captions with Tag2Text, which is told the tags. Here a captioner is told them too,
a candidate that names what the tagger holds for improbable loses, and of the others the scorer picks.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from impasto.checkpoints.captioners import Captioner
from impasto.checkpoints.pocket_captioner import PocketCaptioner
from impasto.checkpoints.zero_shot import ZeroShotTagger
from impasto.data.annotations import AnnotationLog, content_of
from impasto.data.catalogue import read_catalogue
from impasto.data.contradiction import TagsInText
from impasto.data.embeddings import image_vectors
from impasto.data.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.pictures import open_picture
from impasto.data.tag_phrase import tags_as_phrase
from impasto.data.tag_vocabulary import Tag
from impasto.data.tagging import AT_LEAST, MOST_TAGS, chosen_tags
from impasto.errors import ImpastoError, UsageError

CHUNK = 24  # pictures whose captions go to disk together: what a kill can cost
CANDIDATES = 3
# A caption that names a tag of this probability or less contradicts the picture.
IMPROBABLE = 0.03


@dataclass
class CaptionOutcome:
    """How many pictures were captioned now and before, and what happened on the way."""

    captioned: int = 0
    known: int = 0
    contradicted: int = 0  # candidates that lost because of the tags
    from_tags: int = 0  # pictures of which every candidate lost: their tags are said as a phrase
    report: CatalogueReport = field(default_factory=CatalogueReport)


def caption_catalogue(
    folder: Path,
    captioner: Captioner,
    tagger: ZeroShotTagger,
    vocabulary: Sequence[Tag],
    *,
    candidates: int = CANDIDATES,
    seed: int = 0,
    all_pictures: bool = False,
    most: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> CaptionOutcome:
    """Captions every picture that has no text in the metadata, nor a caption by this captioner; killed it can go on.

    `tagger.scorer` picks among the candidates. With `all_pictures`, pictures with a text are captioned too (the text still
    counts before the machine's caption). `most` ends after so many pictures.

    Raises:
        UsageError: `candidates` is less than 1.
        ImpastoError: the catalogue cannot be read, its log not be written, or the captioner cannot run.
    """
    if candidates < 1:
        raise UsageError(f"--candidates {candidates}: use 1 or more")
    catalogue = read_catalogue(folder, check_images=False, annotations=False)
    outcome, log = CaptionOutcome(report=catalogue.report), AnnotationLog(folder, "captions")
    settings = f"{captioner.identity[:32]}/{tagger.identity[:16]}/{candidates}/{seed}"
    before = log.latest()
    missing: list[tuple[CatalogueEntry, str]] = []
    for entry in catalogue.entries:
        if entry.caption and not all_pictures:
            continue
        try:
            content = content_of(entry.file)
        except ImpastoError as error:
            outcome.report.skipped.append(Skipped(entry.file_name, str(error).removeprefix(f"{entry.file} ")))
            continue
        row = before.get(entry.file_name, {})
        if row.get("content") == content and row.get("captioner") == settings:
            outcome.known += 1
        else:
            missing.append((entry, content))
    missing = missing[:most]
    choice = _Choice(tagger, vocabulary, outcome)
    for start in range(0, len(missing), CHUNK):
        chunk = missing[start : start + CHUNK]
        rows = []
        for place, written in _candidates(chunk, captioner, choice, candidates, seed, outcome.report):
            entry, content = chunk[place]
            caption, similarity = choice.best(place, written)
            rows.append({
                "file_name": entry.file_name, "content": content, "by": captioner.name, "captioner": settings,
                "caption": caption, "similarity": round(similarity, 4), "candidates": written,
            })  # fmt: skip
        log.append(rows)
        outcome.captioned += len(rows)
        if on_progress is not None:
            on_progress(start + len(chunk), len(missing))
    return outcome


class _Choice:
    """What is known of the pictures of one chunk, and the choice among candidates by it."""

    def __init__(self, tagger: ZeroShotTagger, vocabulary: Sequence[Tag], outcome: CaptionOutcome) -> None:
        self._tagger, self._outcome = tagger, outcome
        self._tags = {tag.name: tag for tag in vocabulary}
        self._in_text = TagsInText(tagger.tags)
        self._vectors = self._probabilities = np.zeros((0, 0), np.float32)

    def look(self, entries: Sequence[CatalogueEntry]) -> list[list[str]]:
        """The tags of each picture; [] where it cannot be read."""
        self._vectors = image_vectors(entries, self._tagger.scorer)
        self._probabilities = self._tagger.probabilities_of(self._vectors)
        return [
            [name for name, _ in chosen_tags(p, self._tagger.tags, AT_LEAST, MOST_TAGS)] if np.isfinite(p).all() else []
            for p in self._probabilities
        ]

    def best(self, place: int, candidates: Sequence[str]) -> tuple[str, float]:
        """The candidate that the scorer prefers among those that contradict no tag, and its similarity, -1..1.

        Where every candidate contradicts the tags, the tags are said as a phrase.
        """
        p = self._probabilities[place]
        texts = list(dict.fromkeys(text for text in candidates if text))
        fitting = [text for text in texts if not self._in_text.contradictions(text, p, below=IMPROBABLE)]
        self._outcome.contradicted += len(texts) - len(fitting)
        if not fitting:
            self._outcome.from_tags += 1
            likely = [name for name, _ in chosen_tags(p, self._tagger.tags, AT_LEAST, MOST_TAGS)]
            phrase = tags_as_phrase([self._tags.get(name, Tag(name)) for name in likely])
            fitting = [phrase or likely[0]]
        similarities = self._tagger.scorer.embed_texts(fitting) @ self._vectors[place]
        best = int(np.argmax(similarities))
        return fitting[best], float(similarities[best])


def _candidates(
    chunk: Sequence[tuple[CatalogueEntry, str]],
    captioner: Captioner,
    choice: _Choice,
    count: int,
    seed: int,
    report: CatalogueReport,
) -> Iterator[tuple[int, list[str]]]:
    """(place in the chunk, candidates) of the pictures that can be read; `report` names the others."""
    entries = [entry for entry, _ in chunk]
    tags = choice.look(entries)
    # A picture's own seed, so that its candidates do not depend on the pictures before it.
    seeds = [int.from_bytes(hashlib.sha256(f"{seed}/{content}".encode()).digest()[:6], "big") for _, content in chunk]
    if isinstance(captioner, PocketCaptioner):
        features = image_vectors(entries, captioner.features, report=report)
        places = np.flatnonzero(np.isfinite(features.sum(axis=1))).tolist()
        if places:
            written = captioner.caption_features(
                features[places], tags=[tags[n] for n in places], count=count, seeds=[seeds[n] for n in places]
            )
            yield from zip(places, written, strict=True)
        return
    for place, entry in enumerate(entries):
        try:
            picture = open_picture(entry.file)
        except ImpastoError as error:
            report.skipped.append(Skipped(entry.file_name, str(error).removeprefix(f"{entry.file}: ")))
            continue
        yield place, captioner.caption([picture], tags=[tags[place]], count=count, seeds=[seeds[place]])[0]

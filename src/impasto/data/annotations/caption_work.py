"""Captions chunks of pictures: what one worker does for `captioning`, with models that it loads itself."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from impasto.data.annotations.contradiction import TagsInText
from impasto.data.annotations.tag_phrase import tags_as_phrase
from impasto.data.annotations.tag_vocabulary import Tag
from impasto.data.annotations.tagging import MOST_TAGS, chosen_tags, thresholds_of
from impasto.data.caches.image_vectors import image_vectors
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.pictures import open_picture
from impasto.errors import ImpastoError
from impasto.spreading import HERE, Spread, Unit, results
from impasto.vision.captioners.interface import Captioner, FeatureCaptioner
from impasto.vision.scorers.interface import ImageEncoder, TextImageScorer
from impasto.vision.taggers.interface import EncodingTagger

# A caption that names a tag with a probability below this contradicts the picture.
IMPROBABLE = 0.03

Picture = tuple[Path, str, str]  # absolute path, name in the catalogue, hash of the content


@dataclass(frozen=True)
class Models:
    """The captioner, the tagger whose tags it is told, and the scorer that picks among candidates."""

    captioner: Captioner
    tagger: EncodingTagger
    scorer: TextImageScorer


@dataclass(frozen=True)
class CaptionNames:
    """The names of captioner and tagger, and what a caption's row says of how it was made."""

    captioner: str
    tagger: str
    settings: str


@dataclass(frozen=True)
class CaptionedChunk:
    """The rows of a chunk's pictures, and what happened to the others.

    Attributes:
        rows: `file_name`, `content`, `caption`, `similarity`, `candidates` of each picture that can be read.
        contradicted, from_tags: as in `CaptionOutcome`.
    """

    rows: list[dict[str, Any]]
    contradicted: int
    from_tags: int
    skipped: list[Skipped]


def read_captions(result: bytes) -> CaptionedChunk:
    """Reads what `CaptionWork.do` returned."""
    told = json.loads(result)
    skipped = [Skipped(*one) for one in told["skipped"]]
    return CaptionedChunk(told["rows"], told["contradicted"], told["from_tags"], skipped)


@dataclass
class CaptionWork:
    """Captions chunks of pictures. Each picture has its own seed, so that no caption depends on the chunk before.

    Attributes:
        load: loads the models; called once, by whoever does the work. To be pickled, it must be.
        vocabulary: the tags, for phrases made of them.
        candidates: how many captions the captioner proposes for each picture.
        seed: of the sampling.
        on_gpu: whether the captioner runs on a GPU.
    """

    load: Callable[[], Models]
    vocabulary: tuple[Tag, ...]
    candidates: int
    seed: int
    on_gpu: bool = False
    _models: Models | None = field(default=None, repr=False)

    name = "captions"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_models": None}

    @property
    def gpus(self) -> float:
        """1 if the captioner runs on a GPU."""
        return float(self.on_gpu)

    @property
    def models(self) -> Models:
        """The models, loaded when they are first asked for.

        Raises:
            UsageError, MissingPart, ImpastoError: as `load`.
        """
        if self._models is None:
            self._models = self.load()
        return self._models

    def names(self) -> CaptionNames:
        """Returns the names of the loaded models, and the settings: their identities, the candidates and the seed."""
        captioner, tagger, scorer = self.models.captioner, self.models.tagger, self.models.scorer
        identities = f"{captioner.identity[:32]}/{tagger.identity[:16]}/{scorer.identity[:16]}"
        return CaptionNames(captioner.name, tagger.name, f"{identities}/{self.candidates}/{self.seed}")

    def do(self, payload: Sequence[Picture] | None, halvings: int) -> bytes:
        """Returns the chunk's rows as JSON; after a want of memory fewer pictures are captioned at once.

        For no payload it loads the models and returns their names.
        """
        if payload is None:
            return json.dumps(asdict(self.names())).encode()
        found = CaptionedChunk([], 0, 0, [])
        at_once = max(1, len(payload) >> halvings)
        contradicted = from_tags = 0
        for start in range(0, len(payload), at_once):
            part = _Chunk(self, payload[start : start + at_once])
            found.rows.extend(part.rows())
            found.skipped.extend(part.report.skipped)
            contradicted, from_tags = contradicted + part.contradicted, from_tags + part.from_tags
        skipped = [(one.file_name, one.reason) for one in found.skipped]
        told = {"rows": found.rows, "contradicted": contradicted, "from_tags": from_tags, "skipped": skipped}
        return json.dumps(told).encode()


def names_of(work: CaptionWork, spread: Spread) -> CaptionNames:
    """Returns the names of the work's models. Where others do the work, they load the models, and this process does not.

    Raises:
        UsageError, MissingPart, ImpastoError: as `CaptionWork.load`.
    """
    if spread is HERE:
        return work.names()
    loading = [Unit(number, "", None, 0) for number in range(spread.workers)]  # all begin to load, the first one answers
    with results(spread, work, loading, in_order=False) as found:
        return CaptionNames(**json.loads(next(found).value()))


class _Chunk:
    """Pictures that are captioned together; a candidate is chosen by the tagger's probabilities and the similarities."""

    def __init__(self, work: CaptionWork, pictures: Sequence[Picture]) -> None:
        self._models, self._work, self._pictures = work.models, work, pictures
        self._entries = [CatalogueEntry(file, name) for file, name, _ in pictures]
        self._tags = {tag.name: tag for tag in work.vocabulary}
        self._in_text = TagsInText(self._models.tagger.tags)
        self._thresholds = thresholds_of(self._models.tagger)
        self._vectors: dict[str, np.ndarray] = {}
        self.report = CatalogueReport()
        self.contradicted = self.from_tags = 0

    def rows(self) -> list[dict[str, Any]]:
        """Returns the rows of the pictures that can be read; the others are in `report`."""
        rows = []
        for place, written in self._candidates():
            _, file_name, content = self._pictures[place]
            caption, similarity = self._best(place, written)
            rows.append({
                "file_name": file_name, "content": content, "caption": caption, "similarity": round(similarity, 4),
                "candidates": written,
            })  # fmt: skip
        return rows

    def _looked(self, encoder: ImageEncoder) -> np.ndarray:
        """Returns float32 [n, width]; a row of NaN for a picture that cannot be read, which is reported once."""
        if encoder.identity not in self._vectors:
            report = None if self._vectors else self.report
            self._vectors[encoder.identity] = image_vectors(self._entries, encoder, report=report)
        return self._vectors[encoder.identity]

    def _likely(self, place: int) -> list[str]:
        """Returns the tags of a picture that can be read."""
        p = self._probabilities(place)
        return [name for name, _ in chosen_tags(p, self._models.tagger.tags, self._thresholds, MOST_TAGS)]

    def _probabilities(self, place: int) -> np.ndarray:
        tagger = self._models.tagger
        return tagger.probabilities_of(self._looked(tagger.encoder)[place : place + 1])[0]

    def _best(self, place: int, candidates: Sequence[str]) -> tuple[str, float]:
        """Returns the candidate with the highest similarity among those that contradict no tag, and its similarity, -1..1.

        If every candidate contradicts the tags, the caption is a phrase made of the tags.
        """
        p, scorer = self._probabilities(place), self._models.scorer
        texts = list(dict.fromkeys(text for text in candidates if text))
        fitting = [text for text in texts if not self._in_text.contradictions(text, p, below=IMPROBABLE)]
        self.contradicted += len(texts) - len(fitting)
        if not fitting:
            self.from_tags += 1
            likely = self._likely(place)
            phrase = tags_as_phrase([self._tags.get(name, Tag(name)) for name in likely])
            fitting = [phrase or likely[0]]
        similarities = scorer.embed_texts(fitting) @ self._looked(scorer)[place]
        best = int(np.argmax(similarities))
        return fitting[best], float(similarities[best])

    def _candidates(self) -> list[tuple[int, list[str]]]:
        """Returns (place, candidates) for the pictures that can be read."""
        vectors, captioner, count = self._looked(self._models.scorer), self._models.captioner, self._work.candidates
        seen = [n for n in range(len(self._pictures)) if np.isfinite(vectors[n]).all()]
        tags = [self._likely(n) for n in seen]
        # Each picture has its own seed, so that its candidates do not depend on the pictures before it.
        seeds = [_seed(self._work.seed, self._pictures[n][2]) for n in seen]
        if isinstance(captioner, FeatureCaptioner):
            if not seen:
                return []
            features = self._looked(captioner.features)[seen]
            return list(zip(seen, captioner.caption_features(features, tags=tags, count=count, seeds=seeds), strict=True))
        found = []
        for n, told, own in zip(seen, tags, seeds, strict=True):
            try:
                picture = open_picture(self._entries[n].file)
            except ImpastoError:  # it could be read a moment ago: the next run reports it
                continue
            found.append((n, captioner.caption([picture], tags=[told], count=count, seeds=[own])[0]))
        return found


def _seed(seed: int, content: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{content}".encode()).digest()[:6], "big")

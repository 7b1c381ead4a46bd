"""Predicts soft tag labels of a picture from its title, with a model trained on a museum's hand-indexed records.

A title names little of what is in a picture ("Flatford Mill"), and a catalogue of paintings has no tags. The Tate
collection's data (CC0) has titles and index terms of 58,801 works, so P(tag | title) can be learned there and transferred:
"The Shipwreck" then counts as 0.8 sea, 0.7 wave, 0.5 storm. Most of Tate's works are drawings, above all Turner's. They get
smaller weights, so that the labels are those of a collection of paintings. What a catalogue states for certain takes
precedence: a tag that the title names, and the genre.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from impasto.data.annotations.contradiction import TagsInText
from impasto.data.annotations.tag_vocabulary import Tag
from impasto.data.caches.sentence_vectors import sentence_rows
from impasto.errors import ImpastoError
from impasto.language.minilm_files import WIDTH
from impasto.training.examples.caption_texts import KINDS
from impasto.training.loop.progress import Progress, no_report

_YEAR, _MODERN = re.compile(r"\b(1[0-9]{3}|20[0-9]{2})\b"), 1955
_NO_TITLE = ("[title not known", "title not known", "untitled", "[no title", "no title")
# A work that is not a painting has a quarter of the weight. The works of an artist with more than 20 works together weigh as
# the square root of their number. On 400 held-out paintings of Tate's: 29.1 nats per title instead of 30.4 with equal
# weights, 34.4 without the title.
_NO_PAINTING, _WORKS_OF_ONE = 0.25, 20
# Probabilities of tags that a picture's own title and genre state: they are not quite certain.
_NAMED, _ITS_KIND, _OTHER_KIND = 0.95, 0.97, 0.1
# For a tag with fewer works than _ENOUGH in the museum, the expected share follows from how often titles name it. Titles are
# assumed to name it in three of ten pictures that show it (_SAID). The share is at least three in ten thousand (_RAREST).
_ENOUGH, _SAID, _RAREST, _COMMONEST = 30, 0.3, 3e-4, 0.9


@dataclass(frozen=True)
class MuseumRecords:
    """Titles and their tags: each pair `rows[k]`, `columns[k]` means that title `rows[k]` has tag number `columns[k]`.

    `weights`, float64 [titles], are the relative weights of the titles.
    """

    titles: list[str]
    rows: np.ndarray
    columns: np.ndarray
    weights: np.ndarray


def read_museum_records(path: Path, tags: Sequence[Tag]) -> MuseumRecords:
    """Reads a JSONL file (also .gz) of `title`, `subjects`, `date`, `artist` and `class` ("painting").

    Works without a title or without any of the tags are left out. So are works of 1955 and later, whose titles describe
    shapes and colours more than the subjects that the masters painted.

    Raises:
        ImpastoError: the file cannot be read, or holds no such work.
    """
    number_of = {subject: number for number, tag in enumerate(tags) for subject in (tag.name, *tag.subjects)}
    titles: list[str] = []
    rows: list[int] = []
    columns: list[int] = []
    makers: list[tuple[str, float]] = []
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open("r", encoding="utf-8") as file:
            for line in file:
                record = json.loads(line)
                title = record.get("title") or ""
                found = {number_of[subject] for subject in record.get("subjects") or () if subject in number_of}
                years = [int(year) for year in _YEAR.findall(str(record.get("date") or ""))]
                old = not years or years[0] < _MODERN
                if title and found and old and not title.casefold().startswith(_NO_TITLE):
                    rows += [len(titles)] * len(found)
                    columns += sorted(found)
                    titles.append(title)
                    painted = record.get("class") in (None, "painting")
                    makers.append((str(record.get("artist")), 1.0 if painted else _NO_PAINTING))
    except (OSError, EOFError, UnicodeDecodeError, ValueError, AttributeError, TypeError) as error:
        raise ImpastoError(f"{path} cannot be read as records of title and subjects: {error}") from None
    if not titles:
        raise ImpastoError(f"{path} holds no work with a title and with subjects of the vocabulary")
    works = Counter(maker for maker, _ in makers if maker != "None")
    weights = [weight / max(1.0, works[maker] / _WORKS_OF_ONE) ** 0.5 for maker, weight in makers]
    return MuseumRecords(titles, np.array(rows), np.array(columns), np.array(weights))


class TitleTags(nn.Module):
    """A classifier of titles: sentence vectors [n, 384] -> logits [n, tags]."""

    def __init__(self, tags: int, hidden: int = 1024) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(WIDTH, hidden), nn.Linear(hidden, tags)
        self.dropout = nn.Dropout(0.5)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        return self.outer(self.dropout(F.gelu(self.inner(vectors))))


def learn_title_tags(
    vectors: np.ndarray, records: MuseumRecords, tags: int, *, seed: int, steps: int = 600, batch: int = 256
) -> TitleTags:
    """Trains P(tag | title) on the records; `vectors` [titles, 384] are the sentence vectors of their titles.

    With few titles, batches are smaller and fewer.
    """
    torch.manual_seed(seed)
    batch, steps = min(batch, len(vectors)), min(steps, max(150, 4 * len(vectors) // batch))
    model = TitleTags(tags)
    given = torch.from_numpy(vectors)
    labels = torch.zeros(len(given), tags, dtype=torch.bool)
    labels[torch.from_numpy(records.rows), torch.from_numpy(records.columns)] = True
    weights = torch.from_numpy(records.weights)
    share = (weights @ labels.double() / weights.sum()).float().clamp(1e-5, 0.99)
    with torch.no_grad():
        model.outer.bias.copy_(torch.logit(share))
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for chosen in torch.multinomial(weights, batch * steps, replacement=True).split(batch):
        # Wording differs between museums: a little noise prevents memorising titles.
        x = given[chosen] + 0.04 * torch.randn(batch, WIDTH)
        loss = F.binary_cross_entropy_with_logits(model(x), labels[chosen].float(), reduction="sum") / batch
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval().requires_grad_(False)


@torch.inference_mode()
def soft_labels(model: TitleTags, titles: np.ndarray, genres: np.ndarray, genre_trust: float = 0.7) -> np.ndarray:
    """Returns P(tag | title, genre), float32 [n, tags], from sentence vectors [n, 384] of each; NaN rows mean unknown.

    The two are combined by noisy-or: a tag applies if the title implies it, or if the genre does (trusted a little less).
    A picture whose title and genre are both unknown has a row of NaN.
    """
    by_title = model(torch.from_numpy(titles)).sigmoid()
    by_genre = genre_trust * model(torch.from_numpy(genres)).sigmoid()
    both = 1 - (1 - by_title.nan_to_num(0)) * (1 - by_genre.nan_to_num(0))
    both[by_title.isnan().any(dim=1) & by_genre.isnan().any(dim=1)] = torch.nan
    return both.numpy()


@dataclass(frozen=True)
class TagLabels:
    """Tag labels of pictures, derived from their texts without looking at the pictures.

    Attributes:
        probabilities: P(tag | title, genre), float32 [pictures, tags]; a row of NaN if neither is known.
        shares: the share of such pictures in which each tag is expected, float64 [tags].
    """

    probabilities: np.ndarray
    shares: np.ndarray


def title_labels(
    fields: Sequence[tuple[str, str]], records: Path, tags: Sequence[Tag], *, seed: int, on_progress: Progress = no_report
) -> TagLabels:
    """Returns the tag labels of pictures with these (title, genre), learned from the records; see `soft_labels`.

    A tag that the title names applies. Of the kinds of picture, the one that the genre names applies and the others do not.

    Raises:
        ImpastoError: the records cannot be read, or name none of the tags.
    """
    museum = read_museum_records(records, tags)
    texts = list(dict.fromkeys(text for pair in fields for text in pair if text))
    vectors = sentence_rows([*texts, *museum.titles], lambda n, of: on_progress("reading words", n / of, {}))
    on_progress("learning tags from titles", 0.0, {})
    model = learn_title_tags(vectors[len(texts) :], museum, len(tags), seed=seed)
    number = {text: place for place, text in enumerate(texts)}
    unknown = np.full(WIDTH, np.nan, np.float32)
    titles, genres = (
        np.stack([vectors[number[pair[field]]] if pair[field] else unknown for pair in fields]) for field in (0, 1)
    )
    labels = soft_labels(model, titles, genres)
    named = _named_in_titles(fields, tags)
    known = np.bincount(museum.columns, minlength=len(tags)) >= _ENOUGH
    shares = _shares(labels, named, known)
    for row, found in zip(labels, named, strict=True):
        row[found] = np.maximum(row[found], _NAMED)
    _say_the_genres(labels, shares, fields, tags)
    return TagLabels(labels, shares)


def _named_in_titles(fields: Sequence[tuple[str, str]], tags: Sequence[Tag]) -> list[list[int]]:
    in_text = TagsInText([tag.name for tag in tags])
    return [in_text.find(title) for title, _ in fields]


def _shares(labels: np.ndarray, named: Sequence[list[int]], known: np.ndarray) -> np.ndarray:
    """Returns each tag's expected share: the mean label if the museum has enough works of it, else from title counts."""
    seen = np.isfinite(labels).all(axis=1)
    if not seen.any():
        return np.full(labels.shape[1], _RAREST)
    counts = np.zeros(labels.shape[1])
    for found in named:
        counts[found] += 1
    often = counts / max(1, seen.sum()) / _SAID
    return np.clip(np.where(known, labels[seen].mean(axis=0, dtype=np.float64), often), _RAREST, _COMMONEST)


def _say_the_genres(labels: np.ndarray, shares: np.ndarray, fields: Sequence[tuple[str, str]], tags: Sequence[Tag]) -> None:
    """Writes the kinds of picture that the genres name into labels and shares."""
    place = {tag.name: number for number, tag in enumerate(tags)}
    kinds = sorted({place[kind] for kind in KINDS.values() if kind in place})
    own = [place.get(KINDS.get(genre, "")) for _, genre in fields]
    for row, kind in zip(labels, own, strict=True):
        if kind is not None:
            row[kinds] = np.minimum(row[kinds], _OTHER_KIND)
            row[kind] = _ITS_KIND
    of_known = [kind for kind in own if kind is not None]
    if of_known:
        found = np.bincount(of_known, minlength=len(tags)) / len(of_known)
        shares[kinds] = np.clip(found[kinds], _RAREST, _COMMONEST)

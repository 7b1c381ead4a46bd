"""What a picture probably shows, told from its title: learned from a museum's records, whose pictures were indexed by hand.

A title names little of what is in a picture ("Flatford Mill"), and a catalogue of paintings has no tags. The Tate
collection's data (CC0) has titles and index terms of 58,801 works, so that P(tag | title) can be learned there and carried
over: "The Shipwreck" then counts as 0.8 sea, 0.7 wave, 0.5 storm. Most of Tate's works are drawings, Turner's above all:
they are weighed down, so that the labels are those of a collection of paintings. What a catalogue knows for certain goes
before: a tag that the title names, and the genre.
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
from impasto.language.minilm import WIDTH
from impasto.training.examples.caption_texts import KINDS
from impasto.training.loop.progress import Progress, no_report

_YEAR, _MODERN = re.compile(r"\b(1[0-9]{3}|20[0-9]{2})\b"), 1955
_NO_TITLE = ("[title not known", "title not known", "untitled", "[no title", "no title")
# A work that is no painting counts a quarter, and those of an artist with more than 20 works together as the root of their
# number. On 400 of Tate's paintings, left out: 29.1 nats a title instead of 30.4 with equal weights, 34.4 with no title.
_NO_PAINTING, _WORKS_OF_ONE = 0.25, 20
# What a picture's own title and genre say of a tag is not quite certain.
_NAMED, _ITS_KIND, _OTHER_KIND = 0.95, 0.97, 0.1
# A tag with fewer works than this in the museum is expected where titles name it, which they are taken to do in three of ten
# pictures that show it, and in three of ten thousand at least.
_ENOUGH, _SAID, _RAREST, _COMMONEST = 30, 0.3, 3e-4, 0.9


@dataclass(frozen=True)
class MuseumRecords:
    """Titles and the tags of each: `rows[k]`, `columns[k]` say that title `rows[k]` has tag number `columns[k]`.

    `weights`, float64 [titles]: how much each counts beside the others.
    """

    titles: list[str]
    rows: np.ndarray
    columns: np.ndarray
    weights: np.ndarray


def read_museum_records(path: Path, tags: Sequence[Tag]) -> MuseumRecords:
    """Reads a JSONL (also .gz) of `title`, `subjects`, `date`, `artist` and `class` ("painting").

    Works without a title or without any of the tags are left out, and those of 1955 and later, whose titles say more of
    shapes and colours than what the masters painted.

    Raises:
        ImpastoError: it cannot be read, or holds no such work.
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
    """Sentence vectors [n, 384] -> logits [n, tags]."""

    def __init__(self, tags: int, hidden: int = 1024) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(WIDTH, hidden), nn.Linear(hidden, tags)
        self.dropout = nn.Dropout(0.5)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        return self.outer(self.dropout(F.gelu(self.inner(vectors))))


def learn_title_tags(
    vectors: np.ndarray, records: MuseumRecords, tags: int, *, seed: int, steps: int = 600, batch: int = 256
) -> TitleTags:
    """P(tag | title) from the records; `vectors` [titles, 384] are their titles' sentence vectors.

    Few titles take smaller batches, and fewer.
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
        # Wording differs from museum to museum: a little noise keeps titles from being learned by heart.
        x = given[chosen] + 0.04 * torch.randn(batch, WIDTH)
        loss = F.binary_cross_entropy_with_logits(model(x), labels[chosen].float(), reduction="sum") / batch
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval().requires_grad_(False)


@torch.inference_mode()
def soft_labels(model: TitleTags, titles: np.ndarray, genres: np.ndarray, genre_trust: float = 0.7) -> np.ndarray:
    """P(tag | title, genre), float32 [n, tags], of sentence vectors [n, 384] each; NaN rows stand for what is unknown.

    A tag is there if the title says so, or if the genre does (trusted a little less): noisy-or. A picture of which neither
    is known has NaN in its row.
    """
    by_title = model(torch.from_numpy(titles)).sigmoid()
    by_genre = genre_trust * model(torch.from_numpy(genres)).sigmoid()
    both = 1 - (1 - by_title.nan_to_num(0)) * (1 - by_genre.nan_to_num(0))
    both[by_title.isnan().any(dim=1) & by_genre.isnan().any(dim=1)] = torch.nan
    return both.numpy()


@dataclass(frozen=True)
class TagLabels:
    """What is known of tags without having looked at a picture.

    Attributes:
        probabilities: P(tag | title, genre), float32 [pictures, tags]; a row of NaN where neither is known.
        shares: in what share of such pictures each tag is expected, float64 [tags].
    """

    probabilities: np.ndarray
    shares: np.ndarray


def title_labels(
    fields: Sequence[tuple[str, str]], records: Path, tags: Sequence[Tag], *, seed: int, on_progress: Progress = no_report
) -> TagLabels:
    """What pictures' (title, genre) tell of tags, learned from the records; see `soft_labels`.

    A tag that the title names is there, and so is the kind of picture that the genre says, and not another kind.

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
    """Where the museum says enough of a tag, what the titles imply on average; else from how often titles name it."""
    seen = np.isfinite(labels).all(axis=1)
    if not seen.any():
        return np.full(labels.shape[1], _RAREST)
    counts = np.zeros(labels.shape[1])
    for found in named:
        counts[found] += 1
    often = counts / max(1, seen.sum()) / _SAID
    return np.clip(np.where(known, labels[seen].mean(axis=0, dtype=np.float64), often), _RAREST, _COMMONEST)


def _say_the_genres(labels: np.ndarray, shares: np.ndarray, fields: Sequence[tuple[str, str]], tags: Sequence[Tag]) -> None:
    """Writes into labels and shares what kinds of picture the genres say."""
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

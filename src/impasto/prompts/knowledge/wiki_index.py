"""A BM25 index of any number of articles on disk, over names and texts, in memory-mapped shards.

A shard is a folder with two bm25s indexes (`names`, `texts`), the articles' plain text and the start of each article. A
token's number in a shard is found by its hash in a sorted array, so that opening the index reads no vocabulary. Each shard
has its own inverse document frequencies, like the shards of search engines: with 20,000 articles they agree well enough.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from impasto.errors import ImpastoError
from impasto.prompts.artists import plain_name
from impasto.prompts.expansion.proposers.knowledge import Article, bm25_library, tokens_of

FORMAT = 1
MANIFEST, SHARD = "manifest.json", "shard.json"
TITLES, PLACES = "titles.npy", "places.npy"
_TITLE_WEIGHT = 2.0
_MOST_REDIRECTS = 3


def token_hash(word: str) -> int:
    """Returns the 64-bit hash of a word, the same in all shards."""
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def title_hash(title: str) -> int:
    """Returns the 64-bit hash of a title; case and accents are ignored."""
    return token_hash(plain_name(title) or title)


@dataclass
class _Field:
    """One of a shard's two indexes."""

    index: Any
    hashes: np.ndarray  # uint64, sorted
    numbers: np.ndarray  # int32: the number in the index of each hash's token

    @classmethod
    def open(cls, folder: Path) -> "_Field":
        index = bm25_library().BM25.load(folder, mmap=True, load_vocab=False)
        vocabulary = np.load(folder / "vocabulary.npy", mmap_mode="r")
        return cls(index, vocabulary["hash"], vocabulary["number"])

    def scores(self, hashes: np.ndarray) -> np.ndarray:
        """Returns the BM25 scores of all documents [documents] for a query's tokens, given as hashes [n]."""
        places = np.searchsorted(self.hashes, hashes)
        known = places < len(self.hashes)
        known[known] = self.hashes[places[known]] == hashes[known]
        if not known.any():
            return np.zeros(int(self.index.scores["num_docs"]), np.float32)
        return self.index.get_scores_from_ids(self.numbers[places[known]])


class _Shard:
    def __init__(self, folder: Path) -> None:
        self.names, self.texts = _Field.open(folder / "names"), _Field.open(folder / "texts")
        self._starts = np.load(folder / "starts.npy", mmap_mode="r")
        self._blob = np.memmap(folder / "articles.bin", np.uint8, "r")

    def best(self, hashes: np.ndarray, count: int) -> list[tuple[float, int]]:
        scores = self.texts.scores(hashes) + _TITLE_WEIGHT * self.names.scores(hashes)
        top = np.argpartition(-scores, min(count, len(scores) - 1))[:count] if count < len(scores) else range(len(scores))
        return [(float(scores[place]), int(place)) for place in top if scores[place] > 0]

    def article(self, place: int) -> tuple[str, str, str]:
        """Returns (title, title that it redirects to or "", text)."""
        start, end = int(self._starts[place]), int(self._starts[place + 1])
        title, redirect, text = bytes(self._blob[start:end]).decode("utf-8").split("\0")
        return title, redirect, text


class WikiIndex:
    """The index of articles that `impasto knowledge build` wrote.

    Raises:
        MissingPart: bm25s is not installed.
        ImpastoError: the folder contains no index, an unfinished one, or a broken one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        manifest = read_manifest(folder)
        self.name: str = manifest["name"]
        self.articles: int = manifest["articles"]
        try:
            for file, size in manifest["sizes"].items():
                if (folder / file).stat().st_size != size:
                    raise ValueError(f"{file} has another size than when it was built")
            self._shards = [_Shard(folder / shard_name(number)) for number in range(manifest["shards"])]
            self._titles = np.load(folder / TITLES, mmap_mode="r")
            self._places = np.load(folder / PLACES, mmap_mode="r")
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise ImpastoError(f"{folder} is a broken index: {error}; build it again") from None

    def search(self, query: str, count: int = 5) -> list[tuple[Article, float]]:
        """Returns the best articles for a query and their scores, best first.

        Articles that share no word with the query are not returned. A matching redirect returns its article.

        Raises:
            ImpastoError: the index is broken.
        """
        words = dict.fromkeys(tokens_of([query])[0])
        hashes = np.array([token_hash(word) for word in words], np.uint64)
        if not len(hashes):
            return []
        ranked = sorted(
            (
                (worth, number, place)
                for number, shard in enumerate(self._shards)
                for worth, place in shard.best(hashes, 2 * count)
            ),
            key=lambda hit: (-hit[0], hit[1], hit[2]),
        )
        found: dict[str, tuple[Article, float]] = {}
        try:
            for worth, number, place in ranked:
                article = self._article(number, place)
                if article is not None:
                    found.setdefault(article.source, (article, worth))
                if len(found) == count:
                    break
        except (ValueError, UnicodeDecodeError, IndexError) as error:
            raise ImpastoError(f"{self.folder} is a broken index: {error}; build it again") from None
        return list(found.values())

    def _article(self, number: int, place: int) -> Article | None:
        for _ in range(_MOST_REDIRECTS):
            title, redirect, text = self._shards[number].article(place)
            if not redirect:
                return Article(title, (title,), text, f"{self.name}: {title}")
            wanted = np.uint64(title_hash(redirect))
            row = int(np.searchsorted(self._titles, wanted))
            if row == len(self._titles) or self._titles[row] != wanted:
                return None
            number, place = (int(value) for value in self._places[row])
        return None


def shard_name(number: int) -> str:
    """Returns the folder name of shard `number` within its index."""
    return f"shard-{number:05d}"


def read_manifest(folder: Path) -> dict[str, Any]:
    """Reads the manifest of a finished index.

    Raises:
        ImpastoError: there is no index, or it is unfinished, of another version, or broken.
    """
    file = folder / MANIFEST
    if not file.is_file():
        if any(folder.glob("shard-*")):
            raise ImpastoError(f"{folder} is an unfinished index: run `impasto knowledge build` again, it goes on")
        raise ImpastoError(f"{folder} holds no index: `impasto knowledge build` makes one")
    try:
        manifest = json.loads(file.read_text("utf-8"))
        numbers = [manifest["format"], manifest["shards"], manifest["articles"]]
        if not all(isinstance(n, int) for n in numbers) or not isinstance(manifest["name"], str):
            raise TypeError("a field is of another kind")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImpastoError(f"{file} is broken: {error}; build the index again") from None
    if manifest["format"] != FORMAT:
        raise ImpastoError(f"{folder} is an index of format {manifest['format']}: build it again")
    return manifest


def vocabulary_array(vocabulary: dict[str, int]) -> np.ndarray:
    """Returns a structured array [n] of token hashes (`hash` uint64, sorted) and their numbers (`number` int32)."""
    rows = np.empty(len(vocabulary), [("hash", np.uint64), ("number", np.int32)])
    rows["hash"] = [token_hash(word) for word in vocabulary]
    rows["number"] = list(vocabulary.values())
    return np.sort(rows, order="hash")


def plain_tokens(texts: Sequence[str]) -> Any:
    """Returns the token numbers of each text (`ids`) and the vocabulary (`vocab`), in the form that bm25s indexes."""
    return tokens_of(texts, numbered=True)

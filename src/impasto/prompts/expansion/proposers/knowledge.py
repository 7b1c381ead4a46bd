"""Knowledge about what a prompt names, looked up with BM25: titles first, then contents (section 3 of wu2022)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np

from impasto.errors import MissingPart
from impasto.prompts.artists import plain_name
from impasto.prompts.expansion.proposers import Candidate
from impasto.prompts.knowledge.handbook import handbook, split_sentences


@dataclass(frozen=True)
class Article:
    """What can be looked up: `names` are its title and other names, `source` says where it stands."""

    title: str
    names: tuple[str, ...]
    text: str
    source: str


class KnowledgeIndex:
    """Two BM25 indexes over articles, one of their names and one of their whole texts.

    Raises:
        MissingPart: bm25s is not installed.
    """

    def __init__(self, articles: Sequence[Article]) -> None:
        self.articles = list(articles)
        if self.articles:  # bm25s indexes no empty corpus
            self._names = _index([" ".join(article.names) for article in self.articles])
            self._texts = _index([f"{' '.join(article.names)} {article.text}" for article in self.articles])

    def search(self, query: str, count: int = 5, *, title_weight: float = 2.0) -> list[tuple[Article, float]]:
        """The best articles for a query and their scores, best first; none that shares no word with it.

        An article's score is that of its text, plus `title_weight` times that of its names.
        """
        words = tokens_of([query])
        if not self.articles or not words[0]:
            return []
        scores = self._texts.get_scores(words[0]) + title_weight * self._names.get_scores(words[0])
        best = np.argsort(-scores, kind="stable")[:count]
        return [(self.articles[place], float(scores[place])) for place in best if scores[place] > 0]


def tokens_of(texts: Sequence[str], *, numbered: bool = False) -> Any:
    """The words of each text that are looked up, in small letters without accents.

    `numbered`: as numbers (`.ids`) with their vocabulary (`.vocab`), which does not depend on the process.

    Raises:
        MissingPart: bm25s is not installed.
    """
    plain = [text if text.isascii() else plain_name(text) for text in texts]
    tokens = bm25_library().tokenize(
        plain, stopwords="en", stemmer=_singular, return_ids=numbered, show_progress=False
    )
    if not numbered:
        return tokens
    # bm25s numbers words as Python's sets have them, in another order in every process.
    vocabulary = {word: number for number, word in enumerate(sorted(tokens.vocab))}
    renumbered = np.empty(len(vocabulary), np.int64)
    for word, number in tokens.vocab.items():
        renumbered[number] = vocabulary[word]
    ids = [renumbered[row].tolist() for row in tokens.ids]
    return type(tokens)(ids=ids, vocab=vocabulary)


def _singular(words: Sequence[str]) -> list[str]:
    """Plurals and singulars fall together: enough of a stemmer for nouns, and one that leaves names alone."""
    plural = [len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) for word in words]
    return [word[:-1] if cut else word for word, cut in zip(words, plural, strict=True)]


def _index(texts: Sequence[str]) -> Any:
    index = bm25_library().BM25()
    index.index(tokens_of(texts), show_progress=False)
    return index


@cache
def bm25_library() -> Any:
    """bm25s. Raises MissingPart where it is not installed."""
    try:
        import bm25s
    except ImportError:
        raise MissingPart("looking up knowledge needs bm25s: pip install 'impasto[expand]'") from None
    return bm25s


@cache
def handbook_index() -> KnowledgeIndex:
    """The handbook, ready to be searched. Only themes, genres and styles: who asks for an artist names him."""
    return KnowledgeIndex(
        [
            Article(entry.title, tuple(entry.names), entry.body, f"handbook: {entry.title}")
            for entry in handbook()
            if entry.kind == "themes"
        ]
    )


class Searchable(Protocol):
    """Articles that can be looked up: the handbook's, or those of a `WikiIndex`."""

    def search(self, query: str, count: int = 5) -> list[tuple[Article, float]]:
        """The best articles for a query and their scores, best first."""
        ...


class KnowledgeProposer:
    """The sentences of the articles that a prompt, or what language models wrote on it, leads to."""

    name = "knowledge"

    def __init__(self, *indexes: Searchable, articles: int = 4, least_share: float = 0.3) -> None:
        """At most `articles` of an index for a query, and none with less than `least_share` of the best one's score."""
        self._indexes, self._articles, self._least_share = indexes, articles, least_share

    def propose(self, prompt: str, *, count: int, seed: int, queries: Sequence[str] = ()) -> list[Candidate]:
        """The sentences of the articles found for `prompt`, then for each of `queries`, in the articles' order."""
        del seed
        found: dict[str, Article] = {}
        for query in (prompt, *queries):
            for index in self._indexes:
                ranked = index.search(query, self._articles)
                for article, worth in ranked:
                    if worth >= self._least_share * ranked[0][1]:
                        found.setdefault(article.source, article)
        candidates = [
            Candidate(sentence, article.source) for article in found.values() for sentence in split_sentences(article.text)
        ]
        return candidates[:count]

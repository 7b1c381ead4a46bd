"""Looks up knowledge about a prompt's subject with BM25, by titles and contents of articles (section 3 of wu2022)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np

from impasto.errors import MissingPart
from impasto.prompts.artists import plain_name
from impasto.prompts.expansion.proposers import Candidate
from impasto.prompts.knowledge.handbook import HandbookEntry, handbook
from impasto.prompts.knowledge.search_words import search_text
from impasto.prompts.knowledge.sentences import pieces

# Words of two letters or more, and single kana, Chinese characters and Hangul.
_WORD = r"(?u)\b\w\w+\b|[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7af]"


@dataclass(frozen=True)
class Article:
    """An article of a knowledge index: `names` are its title and other names, `source` names its origin.

    `kind`: the part of the handbook that it belongs to. `words`: more words by which it is found.
    """

    title: str
    names: tuple[str, ...]
    text: str
    source: str
    kind: str = ""
    words: str = ""


class KnowledgeIndex:
    """Two BM25 indexes over articles, one of their names and one of their whole texts.

    Raises:
        MissingPart: bm25s is not installed.
    """

    def __init__(self, articles: Sequence[Article]) -> None:
        self.articles = list(articles)
        if self.articles:  # bm25s indexes no empty corpus
            self._names = _index([" ".join(article.names) for article in self.articles])
            self._texts = _index([f"{' '.join(one.names)} {one.words} {one.text}" for one in self.articles])
            self._plain = [{plain_name(name) for name in article.names} for article in self.articles]

    def search(self, query: str, count: int = 5, *, title_weight: float = 2.0) -> list[tuple[Article, float]]:
        """Returns the best articles for a query and their scores, best first.

        Articles that share no word with the query are not returned. An article's score is the score of its text, plus
        `title_weight` times the score of its names. An article that has the query as a name comes first.
        """
        words = tokens_of([query])
        if not self.articles or not words[0]:
            return []
        scores = self._texts.get_scores(words[0]) + title_weight * self._names.get_scores(words[0])
        asked = plain_name(query)
        named = np.array([asked in names for names in self._plain])
        best = np.lexsort((-scores, ~named))[:count]
        return [(self.articles[place], float(scores[place])) for place in best if scores[place] > 0]


def tokens_of(texts: Sequence[str], *, numbered: bool = False) -> Any:
    """Returns the search tokens of each text: words in lower case without accents (see `search_text` for other scripts).

    `numbered`: return token numbers (`.ids`) with their vocabulary (`.vocab`), which does not depend on the process.

    Raises:
        MissingPart: bm25s is not installed.
    """
    plain = [text if text.isascii() else search_text(text) for text in texts]
    tokens = bm25_library().tokenize(
        plain, token_pattern=_WORD, stopwords="en", stemmer=_singular, return_ids=numbered, show_progress=False
    )
    if not numbered:
        return tokens
    # bm25s numbers words in the order of Python's sets, which differs in every process.
    vocabulary = {word: number for number, word in enumerate(sorted(tokens.vocab))}
    renumbered = np.empty(len(vocabulary), np.int64)
    for word, number in tokens.vocab.items():
        renumbered[number] = vocabulary[word]
    ids = [renumbered[row].tolist() for row in tokens.ids]
    return type(tokens)(ids=ids, vocab=vocabulary)


def _singular(words: Sequence[str]) -> list[str]:
    """Maps plurals to singulars: a sufficient stemmer for nouns, which does not change names."""
    plural = [len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) for word in words]
    return [word[:-1] if cut else word for word, cut in zip(words, plural, strict=True)]


def _index(texts: Sequence[str]) -> Any:
    index = bm25_library().BM25()
    index.index(tokens_of(texts), show_progress=False)
    return index


@cache
def bm25_library() -> Any:
    """Returns the module bm25s. Raises MissingPart if it is not installed."""
    try:
        import bm25s
    except ImportError:
        raise MissingPart("looking up knowledge needs bm25s: pip install 'impasto[expand]'") from None
    return bm25s


@cache
def handbook_index() -> KnowledgeIndex:
    """Returns the search index of the handbook's themes, for expansion.

    Artists, styles and genres are left out: a user who wants one names it.
    """
    return KnowledgeIndex([_article(entry) for entry in handbook() if entry.kind == "themes"])


@cache
def whole_handbook_index() -> KnowledgeIndex:
    """Returns the search index of all of the handbook: artists, styles, genres and themes, by their texts and fields."""
    return KnowledgeIndex([_article(entry) for entry in handbook()])


def _article(entry: HandbookEntry) -> Article:
    fields = " ".join(text for name, text in entry.fields if name != "also")
    return Article(entry.title, tuple(entry.names), entry.body, f"handbook: {entry.title}", entry.kind, fields)


class Searchable(Protocol):
    """The interface of a searchable index of articles: the handbook's, or a `WikiIndex`."""

    def search(self, query: str, count: int = 5) -> list[tuple[Article, float]]:
        """Returns the best articles for a query and their scores, best first."""
        ...


class KnowledgeProposer:
    """Proposes sentences of the articles found for a prompt and for the texts that language models wrote on it."""

    name = "knowledge"

    def __init__(self, *indexes: Searchable, articles: int = 4, least_share: float = 0.3) -> None:
        """`articles`: maximum per index and query; `least_share`: minimum score of an article, relative to the best one."""
        self._indexes, self._articles, self._least_share = indexes, articles, least_share

    def propose(self, prompt: str, *, count: int, seed: int, queries: Sequence[str] = ()) -> list[Candidate]:
        """Returns the sentences of the articles found for `prompt`, then for each of `queries`, in the articles' order."""
        del seed
        found: dict[str, Article] = {}
        for query in (prompt, *queries):
            for index in self._indexes:
                ranked = index.search(query, self._articles)
                for article, worth in ranked:
                    if worth >= self._least_share * ranked[0][1]:
                        found.setdefault(article.source, article)
        candidates = [Candidate(sentence, article.source) for article in found.values() for sentence in pieces(article.text)]
        return candidates[:count]

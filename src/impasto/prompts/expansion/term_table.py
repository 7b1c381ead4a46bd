"""The table of document frequencies of words for the TF-IDF term of wu2022's equation 20.

The paper fits its TF-IDF model on the text of LAION-5B and WikiArt. The built-in table was counted by
`impasto knowledge terms` over texts with open licences; its first lines name them.

The paper does not say how the weights of a text's words become one number TFIDF(v). `TFIDF` names five ways, which
`benchmarks/scoring.py` compares: only the length-normalised ones let a concrete sentence win over a longer abstract one.
"""

import gzip
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.files import write_atomically

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]{4}")
_HEADER = "# impasto term table 1"
# The sum of weights at which `information` is 1/2: about a sentence of ten meaningful words.
_HALF = 40.0
# Added to the number of words by the pivoted normalisation: a text of four words gets half the mean of its weights.
_PIVOT = 4
# Words in a smaller share of the table's texts count as unknown, as with `min_df` of scikit-learn's TfidfVectorizer: what
# captions hardly ever say ("institutional") can hardly be seen. 112 of the built-in table's 559,217 texts.
MIN_DF = 0.0002
USUAL_TFIDF = "pivoted"
# Name -> TFIDF(v) of (the sum s of the words' weights, their Euclidean norm, the number n of words). The constants bring the
# concrete sentences of `benchmarks/scoring_sentences.tsv` to a mean of 0.6.
TFIDF: dict[str, Callable[[float, float, int], float]] = {
    "pivoted": lambda s, norm, n: s / (n + _PIVOT) / 4.25,  # Singhal, Buckley and Mitra 1996
    "mean": lambda s, norm, n: s / n / 5.5,
    "root": lambda s, norm, n: s / math.sqrt(n) / 20,
    "sum": lambda s, norm, n: s / (s + 26),
    "norm": lambda s, norm, n: norm / 27,  # the length of the TF-IDF vector
}


def words_of(text: str) -> list[str]:
    """Returns the words of a text in lower case, and its years; other numbers and punctuation are left out."""
    return _WORD.findall(text.casefold().replace("’", "'"))


@dataclass(frozen=True)
class TermTable:
    """The number of texts that contain each word, out of `documents` texts."""

    documents: int
    frequencies: dict[str, int]
    sources: tuple[str, ...] = ()

    @classmethod
    def count(cls, texts: Iterable[str], sources: Iterable[str] = (), *, at_least: int = 3) -> "TermTable":
        """Counts the words of texts, one text at a time. Words in fewer than `at_least` texts are left out."""
        frequencies: Counter[str] = Counter()
        documents = 0
        for text in texts:
            frequencies.update(set(words_of(text)))
            documents += 1
        kept = {word: count for word, count in frequencies.items() if count >= at_least}
        return cls(documents, kept, tuple(sources))

    def weight(self, word: str) -> float:
        """Returns the word's inverse document frequency, ln((1 + N) / (1 + n)): 0 for a word that is in every text."""
        return math.log((1 + self.documents) / (1 + self.frequencies.get(word, 0)))

    def richness(self, text: str, tfidf: str = USUAL_TFIDF, min_df: float = MIN_DF) -> float:
        """Returns TFIDF(v) of equation 20, scaled to 0 .. 1: 0 for no known word, towards 1 for many rare ones.

        A word's weight is (1 + ln tf) idf. A word in less than the share `min_df` of the table's texts weighs nothing.

        Args:
            tfidf: how the weights of the text's n words become one number; a name of `TFIDF`. pivoted: their sum divided by
                n + 4; mean: divided by n; root: divided by the root of n; sum: s / (s + 26); norm: their Euclidean norm.
            min_df: 0 .. 1.
        """
        counts = Counter(words_of(text))
        least = max(1.0, min_df * self.documents)
        weights = [
            (1 + math.log(count)) * self.weight(word)
            for word, count in counts.items()
            if self.frequencies.get(word, 0) >= least
        ]
        if not weights:
            return 0.0
        total, norm = sum(weights), math.sqrt(sum(weight * weight for weight in weights))
        return min(1.0, TFIDF[tfidf](total, norm, counts.total()))

    def information(self, text: str) -> float:
        """Returns how much a part of a text says, 0 .. 1: the sum s of its words' weights, as s / (s + 40).

        It grows with every word. A word that is not in the table counts half as much as the rarest word in it: it may be a
        name, or a misspelling.
        """
        unknown = 0.5 * math.log((1 + self.documents) / 2)
        total = 0.0
        for word, count in Counter(words_of(text)).items():
            total += (1 + math.log(count)) * (self.weight(word) if word in self.frequencies else unknown)
        return total / (total + _HALF)

    def write(self, path: Path) -> None:
        """Writes the table as gzipped text; the same counts give the same bytes."""
        lines = [_HEADER, *(f"# {source}" for source in self.sources), str(self.documents)]
        rows = sorted(self.frequencies.items(), key=lambda row: (-row[1], row[0]))
        lines += [f"{word}\t{count}" for word, count in rows]
        buffer = io.BytesIO()
        with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as file:
            file.write("\n".join(lines).encode())
        write_atomically(path, buffer.getvalue())

    @classmethod
    def read(cls, path: Path) -> "TermTable":
        """Reads a table that `write` or `impasto knowledge terms` wrote.

        Raises:
            ImpastoError: the file cannot be read, or is not a term table.
        """
        try:
            lines = gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()
            if not lines or lines[0] != _HEADER:
                raise ValueError("not a term table")
            sources = tuple(line[2:] for line in lines[1:] if line.startswith("# "))
            numbers = lines[1 + len(sources) :]
            rows = (line.split("\t") for line in numbers[1:])
            return cls(int(numbers[0]), {word: int(count) for word, count in rows}, sources)
        except (OSError, EOFError, ValueError, IndexError) as error:
            raise ImpastoError(f"{path} is not a term table that can be read: {error}") from None


@cache
def shipped_table() -> TermTable:
    """Returns the table that comes with Impasto."""
    return TermTable.read(Path(__file__).parent / "terms.tsv.gz")

"""The table of document frequencies of words for the TF-IDF term of wu2022's equation 20.

The paper fits its TF-IDF model on the text of LAION-5B and WikiArt. The built-in table was counted by
`impasto knowledge terms` over texts with open licences; its first lines name them.
"""

import gzip
import io
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.files import write_atomically

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]{4}")
_HEADER = "# impasto term table 1"
# The sum of weights at which a text scores 1/2: about a sentence of ten meaningful words.
_HALF = 40.0


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

    def richness(self, text: str) -> float:
        """Returns TFIDF(v) of equation 20, scaled like a cosine: 0 for no word, towards 1 for very many rare words.

        The sum s over the text's words of (1 + ln tf) idf grows with every meaningful word; s / (s + 40) scales it to
        0 .. 1, with 1/2 at about ten such words. A word that is not in the table counts half as much as the rarest word
        in it: it may be a name, or a misspelling.
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
        """Reads a table. Raises ImpastoError if the file is not a term table."""
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

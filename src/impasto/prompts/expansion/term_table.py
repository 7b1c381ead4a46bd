"""How rare words are: the document frequencies behind the TF-IDF term of wu2022's equation 20.

The paper fits its TF-IDF model on the text of LAION-5B and WikiArt. The table that ships was counted, by
`impasto knowledge terms`, over texts under open terms; its first lines name them.
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
# Half of what a text can score, in summed weights: about a sentence of ten words that mean something.
_HALF = 40.0


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, and its years; numbers and marks are left out."""
    return _WORD.findall(text.casefold().replace("’", "'"))


@dataclass(frozen=True)
class TermTable:
    """In how many of `documents` texts each word stands."""

    documents: int
    frequencies: dict[str, int]
    sources: tuple[str, ...] = ()

    @classmethod
    def count(cls, texts: Iterable[str], sources: Iterable[str] = (), *, at_least: int = 3) -> "TermTable":
        """Counts texts, one at a time. Words in fewer than `at_least` of them are left out."""
        frequencies: Counter[str] = Counter()
        documents = 0
        for text in texts:
            frequencies.update(set(words_of(text)))
            documents += 1
        kept = {word: count for word, count in frequencies.items() if count >= at_least}
        return cls(documents, kept, tuple(sources))

    def weight(self, word: str) -> float:
        """The word's inverse document frequency, ln((1 + N) / (1 + n)): 0 for a word that is everywhere."""
        return math.log((1 + self.documents) / (1 + self.frequencies.get(word, 0)))

    def richness(self, text: str) -> float:
        """TFIDF(v) of equation 20, made comparable with a cosine: from 0 for no word towards 1 for very many rare ones.

        The sum over the text's words of (1 + ln tf) idf grows with every word that means something; s / (s + 40) brings
        it to 0 .. 1, with 1/2 at about ten such words. A word that the table does not hold counts half as much as the
        rarest that it does: it may be a name, or a misspelling.
        """
        unknown = 0.5 * math.log((1 + self.documents) / 2)
        total = 0.0
        for word, count in Counter(words_of(text)).items():
            total += (1 + math.log(count)) * (self.weight(word) if word in self.frequencies else unknown)
        return total / (total + _HALF)

    def write(self, path: Path) -> None:
        """Writes the table as gzipped text, the same bytes for the same counts."""
        lines = [_HEADER, *(f"# {source}" for source in self.sources), str(self.documents)]
        rows = sorted(self.frequencies.items(), key=lambda row: (-row[1], row[0]))
        lines += [f"{word}\t{count}" for word, count in rows]
        buffer = io.BytesIO()
        with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as file:
            file.write("\n".join(lines).encode())
        write_atomically(path, buffer.getvalue())

    @classmethod
    def read(cls, path: Path) -> "TermTable":
        """Raises ImpastoError where the file is no term table."""
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
    """The table that came with Impasto."""
    return TermTable.read(Path(__file__).parent / "terms.tsv.gz")

"""The artists that a checkpoint was trained on, and the lookup of an artist by a typed name."""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from impasto.errors import UsageError

# Letters that NFKD does not decompose, as they are not a letter with an accent.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ı": "i"})
# Words that many names share and that do not identify an artist alone.
_SHARED = frozenset(
    {"van", "von", "der", "den", "de", "del", "dell", "da", "di", "du", "la", "le", "el", "the", "ter", "of"}
    | {"elder", "younger", "jr", "sr", "brothers", "sir"}
)
_SENIORITY = re.compile(r" (the elder|the younger|jr|sr)$")
_LONGEST = 120


@dataclass(frozen=True)
class Artist:
    """An artist, and the number of their works that a checkpoint was trained on."""

    name: str
    works: int = 0


def plain_name(name: str) -> str:
    """Returns the name in lower case without accents, hyphens and points: "Dürer" -> "durer"."""
    letters = unicodedata.normalize("NFKD", name.casefold().translate(_PLAIN))
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w]+", " ", letters).replace("_", " ").split())


def _telling(words: set[str]) -> bool:
    """Returns whether some word identifies an artist, other than an initial or a word like "van"."""
    return any(len(word) > 1 and word not in _SHARED for word in words)


class ArtistIndex:
    """An index of artists by name, sorted by most works first."""

    def __init__(self, artists: Sequence[Artist]) -> None:
        self.artists = sorted(artists, key=lambda artist: (-artist.works, artist.name))
        self._exact = {artist.name: artist for artist in reversed(self.artists)}
        self._by_name = {plain_name(artist.name): artist for artist in reversed(self.artists)}

    def __len__(self) -> int:
        return len(self.artists)

    def resolve(self, name: str) -> Artist:
        """Finds an artist by the whole name, a last name that only one artist has, or words that only one name contains.

        Case, accents, hyphens and the order of words are ignored: "van gogh", "durer", "Monet, Claude". The name may have
        more words than the index ("rembrandt van rijn" for "Rembrandt"). A misspelled name is not guessed; the error
        suggests similar names.

        Raises:
            UsageError: no artist has this name (the message lists the nearest names), or several have it.
        """
        if name in self._exact:
            return self._exact[name]
        wanted = plain_name(name[: 2 * _LONGEST])
        if not wanted:
            raise UsageError("an empty name of an artist: leave --artist away, or name one that `impasto artists` lists")
        if wanted in self._by_name:
            return self._by_name[wanted]
        found = sorted(self._with_words(wanted), key=lambda artist: (-artist.works, artist.name))
        shown = repr(name if len(name) <= _LONGEST else f"{name[:_LONGEST]}...")
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            names = ", ".join(artist.name for artist in found[:5])
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            raise UsageError(f"{shown} may be {names}{more}: give one whole name")
        near = self._nearest(wanted)
        hint = f"; the nearest are {', '.join(near)}" if near else ""
        raise UsageError(
            f"this checkpoint knows no artist {shown}{hint} (`impasto artists` lists all, --any-artist paints anyway)"
        )

    def _with_words(self, wanted: str) -> list[Artist]:
        """Returns the artists that `wanted`, a plain name, may mean.

        Matches by last name, else by any words, else names whose words are all in `wanted`.
        """
        words = set(wanted.split())
        names = {plain: set(plain.split()) for plain in self._by_name}
        # "marko" is the last name of "Károly Markó the Elder" as much as of "András Markó".
        found = [plain for plain in names if f" {_SENIORITY.sub('', plain)}".endswith(f" {wanted}")]
        if not found:
            found = [plain for plain in names if words <= names[plain]]
        if len(found) == 1 and not _telling(words):
            return []
        if not found:
            within = [plain for plain in names if names[plain] <= words and _telling(names[plain])]
            found = [plain for plain in within if not any(names[plain] < names[other] for other in within)]
        return [self._by_name[plain] for plain in found]

    def _nearest(self, wanted: str, count: int = 3) -> list[str]:
        def likeness(plain: str) -> float:
            candidates = [plain, *plain.split(), " ".join(plain.split()[-2:])]
            return max(difflib.SequenceMatcher(None, wanted, candidate).ratio() for candidate in candidates)

        rated = sorted(((likeness(plain), plain) for plain in self._by_name), reverse=True)
        return [self._by_name[plain].name for share, plain in rated[:count] if share > 0.45]

    def search(self, text: str) -> list[Artist]:
        """Returns the artists whose plain name contains `text`, most works first; all artists for an empty text."""
        wanted = plain_name(text)
        return [artist for artist in self.artists if wanted in plain_name(artist.name)]

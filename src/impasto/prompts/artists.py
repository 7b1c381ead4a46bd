"""Whom a checkpoint knows, and how a name that someone types finds its artist."""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from impasto.errors import UsageError

# Letters that are no letter with an accent, and so keep what NFKD takes from the others.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ı": "i"})
# Words that many names share and that alone name nobody.
_SHARED = frozenset(
    {"van", "von", "der", "den", "de", "del", "dell", "da", "di", "du", "la", "le", "el", "the", "ter", "of"}
    | {"elder", "younger", "jr", "sr", "brothers", "sir"}
)
_SENIORITY = re.compile(r" (the elder|the younger|jr|sr)$")
_LONGEST = 120


@dataclass(frozen=True)
class Artist:
    """An artist and how many of their works a checkpoint saw."""

    name: str
    works: int = 0


def plain_name(name: str) -> str:
    """The name in small letters without accents, hyphens and points: "Dürer" -> "durer"."""
    letters = unicodedata.normalize("NFKD", name.casefold().translate(_PLAIN))
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w]+", " ", letters).replace("_", " ").split())


def _telling(words: set[str]) -> bool:
    """Whether some word is more than an initial or a "van"."""
    return any(len(word) > 1 and word not in _SHARED for word in words)


class ArtistIndex:
    """Artists by name, most works first."""

    def __init__(self, artists: Sequence[Artist]) -> None:
        self.artists = sorted(artists, key=lambda artist: (-artist.works, artist.name))
        self._exact = {artist.name: artist for artist in reversed(self.artists)}
        self._by_name = {plain_name(artist.name): artist for artist in reversed(self.artists)}

    def __len__(self) -> int:
        return len(self.artists)

    def resolve(self, name: str) -> Artist:
        """The artist called `name`: the whole name, the last name of one artist only, or words that only one has.

        Case, accents, hyphens and the order of words do not matter: "van gogh", "durer", "Monet, Claude". More words
        than the index knows are no harm ("rembrandt van rijn" where it says "Rembrandt"). A slip of the pen is not
        guessed at: the error suggests.

        Raises:
            UsageError: nobody is called so (the nearest names are told), or several are.
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
        """Whom `wanted`, a plain name, may mean: by last name, else by any words, else by more words than known."""
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
        """The artists whose plain name holds `text`, most works first; all for an empty text."""
        wanted = plain_name(text)
        return [artist for artist in self.artists if wanted in plain_name(artist.name)]

"""Whom a checkpoint knows, and how a name that someone types finds its artist."""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from impasto.errors import UsageError

# Letters that are no letter with an accent, and so keep what NFKD takes from the others.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ı": "i"})


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


class ArtistIndex:
    """Artists by name, most works first."""

    def __init__(self, artists: Sequence[Artist]) -> None:
        self.artists = sorted(artists, key=lambda artist: (-artist.works, artist.name))
        self._by_name = {plain_name(artist.name): artist for artist in reversed(self.artists)}

    def __len__(self) -> int:
        return len(self.artists)

    def resolve(self, name: str) -> Artist:
        """The artist called `name`: the whole name, or any words of it that only one artist has.

        "van gogh", "durer" and "rembrandt van rijn" (where the index says "Rembrandt") find theirs.

        Raises:
            UsageError: nobody is called so (the nearest names are told), or several are.
        """
        wanted = plain_name(name)
        if not wanted:
            raise UsageError(
                "an empty name of an artist: leave --artist away, or name one that `impasto artists` lists"
            )
        if wanted in self._by_name:
            return self._by_name[wanted]
        found = self._with_words(wanted)
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            names = ", ".join(artist.name for artist in found[:5])
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            raise UsageError(f"{name!r} may be {names}{more}: give more of the name")
        near = self._nearest(wanted)
        hint = f"; the nearest are {', '.join(near)}" if near else ""
        raise UsageError(
            f"this checkpoint knows no artist {name!r}{hint} (`impasto artists` lists all, --any-artist paints anyway)"
        )

    def _with_words(self, wanted: str) -> list[Artist]:
        words = set(wanted.split())
        names = {plain: artist for plain, artist in self._by_name.items()}
        last = [artist for plain, artist in names.items() if plain.endswith(f" {wanted}")]
        if len(last) == 1:
            return last
        holding = [artist for plain, artist in names.items() if words <= set(plain.split())]
        if not holding:
            # The typed name says more than the index: "rembrandt van rijn" for "Rembrandt".
            holding = [artist for plain, artist in names.items() if wanted.startswith(f"{plain} ")]
        return sorted(holding, key=lambda artist: (-artist.works, artist.name))

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

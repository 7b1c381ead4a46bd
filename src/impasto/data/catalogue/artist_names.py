"""One form for every artist's name, whether it comes as a slug, a class, a folder or a catalogue's entry.

"j-m-w-turner", "Turner, J.M.W." and "William Turner" are "J. M. W. Turner"; "arnold-bã¶cklin" is "Arnold Böcklin".
"""

import re
import unicodedata
from functools import lru_cache
from importlib.resources import files

from impasto.data.catalogue.plain_text import cleaned

# Small words of names, which a slug cannot tell from others.
_PARTICLES = frozenset(
    {"af", "av", "da", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "e", "la", "le", "of", "ten", "ter"}
    | {"the", "van", "von", "y", "zu"}
)
# Those that are small even where the rest is written with capitals; "Le" and "La" may be capital there.
_ALWAYS_SMALL = frozenset({"van", "von", "der", "den", "de", "del", "di", "da", "du", "the", "of"})
_NOBODY = frozenset({"", "unknown", "unknown artist", "artist unknown", "anonymous", "various artists", "none", "nan"})
_ROMAN = re.compile(r"(?i)i{2,3}|iv|v|vi{1,3}")
_INITIALS = re.compile(r"(?:[^\W\d_]\.){1,4}|[^\W\d_]{1}\.?")
_RANK = re.compile(r"(?i)\s*\b((jr|sr|junior|senior|[ivx]{2,})\.?|the (elder|younger))$")
# What UTF-8 read as Latin-1 and then put in small letters begins with: "ã©" was "Ã©".
_SMALL_MOJIBAKE = re.compile(r"[ãâåä](?=[^\x00-\x7f])")


def repair_text(text: str) -> str:
    """The text in NFC on one line, with broken accents (UTF-8 read as Latin-1) put right, also in small letters."""
    if not text.isascii():
        from ftfy import fix_text

        text = fix_text(_SMALL_MOJIBAKE.sub(lambda letter: letter[0].upper(), text))
    return unicodedata.normalize("NFC", " ".join(cleaned(text).split()))


def name_key(name: str) -> str:
    """What all spellings of a name share: ASCII, small, words with single spaces, no points, hyphens or apostrophes.

    Initials stand apart: "J.M.W. Turner", "J M W Turner" and "j-m-w-turner" are all "j m w turner".
    """
    name = repair_text(name)
    if not name.isascii():
        from anyascii import anyascii

        name = anyascii(name)
    return " ".join(re.findall(r"[a-z0-9]+", name.lower().replace("'", "")))


@lru_cache(maxsize=1 << 16)
def artist_name(name: str) -> str:
    """The artist's name in the form that catalogues use; empty for nobody ("Unknown Artist", "anonymous").

    What `artist_names.txt` lists has the form that stands there. Else a name with capitals is kept, with its broken accents,
    word order ("Monet, Claude"), initials and particles put right; a slug or a name in one case is given capitals.
    """
    name = _in_order(repair_text(name.replace("_", " ")))
    key = name_key(name)
    if key in _NOBODY:
        return ""
    known = _known_names().get(key)
    if known is not None:
        return known
    # A slug has no spaces and no capitals; in "Henri Fantin-Latour" the hyphen is real.
    words = (name if _has_case(name) and " " in name else name.replace("-", " ")).replace("(", " ").replace(")", " ").split()
    shouted_or_small = not _has_case(name)
    return " ".join(_word(word, place, shouted_or_small) for place, word in enumerate(words))


def _has_case(name: str) -> bool:
    return name != name.lower() and name != name.upper()


def _in_order(name: str) -> str:
    """"Monet, Claude" as "Claude Monet", "Bruegel, Pieter the Elder" as "Pieter Bruegel the Elder"."""
    last, comma, first = name.partition(",")
    if not comma or "," in first:
        return name.replace(",", "")
    rank = _RANK.search(first)
    first = first[: rank.start()] if rank else first
    return " ".join(f"{first} {last} {rank[0] if rank else ''}".split())


def _word(word: str, place: int, guess: bool) -> str:
    """One word of a name; with `guess` its capitals say nothing."""
    small = word.lower()
    if place and small in (_PARTICLES if guess else _ALWAYS_SMALL):
        return small
    if place and _ROMAN.fullmatch(word) and (guess or word.isupper()):
        return word.upper()
    if _INITIALS.fullmatch(word) and (guess or word.isupper()):
        return " ".join(f"{letter}." for letter in word.upper() if letter != ".")
    if not guess:
        return word
    # "o'keeffe", "d'arcangelo": both letters are capital.
    return "'".join(part[:1].upper() + part[1:] for part in small.split("'"))


@lru_cache(maxsize=1)
def _known_names() -> dict[str, str]:
    known = {}
    for line in files("impasto.data.catalogue").joinpath("artist_names.txt").read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, others = line.partition(" = ")
            for other in (name, *filter(None, others.split("; "))):
                known[name_key(other)] = name.strip()
    return known

"""Normalises artists' names from slugs, class lists, folders or catalogue entries to one form per artist.

"j-m-w-turner", "Turner, J.M.W." and "William Turner" become "J. M. W. Turner"; "arnold-bã¶cklin" becomes "Arnold Böcklin".
"""

import re
import unicodedata
from functools import lru_cache
from importlib.resources import files

from impasto.data.catalogue.plain_text import cleaned

# Particles of names. A slug has no capitals, so only this list tells them from other words.
_PARTICLES = frozenset(
    {"af", "av", "da", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "e", "la", "le", "of", "ten", "ter"}
    | {"the", "van", "von", "y", "zu"}
)
# Particles that are lower case even if the name has capitals; "Le" and "La" may have capitals there.
_ALWAYS_SMALL = frozenset({"van", "von", "der", "den", "de", "del", "di", "da", "du", "the", "of"})
_NOBODY = frozenset({"", "unknown", "unknown artist", "artist unknown", "anonymous", "various artists", "none", "nan"})
_ROMAN = re.compile(r"(?i)i{2,3}|iv|v|vi{1,3}")
_INITIALS = re.compile(r"(?:[^\W\d_]\.){1,4}|[^\W\d_]{1}\.?")
_RANK = re.compile(r"(?i)\s*\b((jr|sr|junior|senior|[ivx]{2,})\.?|the (elder|younger))$")
# Dates of life at a name's end, as museums and folders write them: "(1840-1926)", "(French, 1840–1926)", ", b. 1932".
_LIFE = re.compile(
    r"(?:\s*[(\[](?:[^()\[\]]*?[,;:]\s*)?(?P<inside>(?:(?:born|b\.|died|d\.|ca?\.|active|fl\.|after|before)\s*)*"
    r"\d{4}[^()\[\]]{0,20})[)\]]"
    r"|[\s,;_]+(?P<bare>\d{4}\s*[-–—]\s*(?:ca?\.\s*)?\d{4}|(?:born|b\.)\s*\d{4}))\s*$"
)
# First letters of UTF-8 that was decoded as Latin-1 and then converted to lower case: "ã©" was "Ã©".
_SMALL_MOJIBAKE = re.compile(r"[ãâåä](?=[^\x00-\x7f])")


def repair_text(text: str) -> str:
    """Returns the text in NFC on one line, with broken accents (UTF-8 decoded as Latin-1, also lower-cased) repaired."""
    if not text.isascii():
        from ftfy import fix_text

        text = fix_text(_SMALL_MOJIBAKE.sub(lambda letter: letter[0].upper(), text))
    return unicodedata.normalize("NFC", " ".join(cleaned(text).split()))


def name_key(name: str) -> str:
    """Returns a key that all spellings of a name share.

    The key is lower-case ASCII words with single spaces, without points, hyphens or apostrophes. Initials are separate
    words: "J.M.W. Turner", "J M W Turner" and "j-m-w-turner" are all "j m w turner".
    """
    name = repair_text(name)
    if not name.isascii():
        from anyascii import anyascii

        name = anyascii(name)
    return " ".join(re.findall(r"[a-z0-9]+", name.lower().replace("'", "")))


@lru_cache(maxsize=1 << 16)
def artist_name(name: str) -> str:
    """Returns the artist's name in the form that catalogues use; "" for an unknown artist ("Unknown Artist", "anonymous").

    A name that `artist_names.txt` lists gets the form given there. Otherwise, in a name with capitals, broken accents, word
    order ("Monet, Claude"), initials and particles are corrected; a slug or a name in one case gets capitals. In a joint
    work ("Monet, Claude; Sisley, Alfred") each name is put right.
    """
    name = repair_text(name.replace("_", " "))
    if ";" in name:
        return "; ".join(dict.fromkeys(filter(None, map(artist_name, name.split(";")))))
    name = _in_order(without_life_dates(name)[0])
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


def is_listed_artist(name: str) -> bool:
    """Returns whether `artist_names.txt` lists the name, in any of its spellings."""
    return name_key(name.replace("_", " ")) in _known_names()


def listed_keys() -> frozenset[str]:
    """Returns the keys (`name_key`) of all names in `artist_names.txt`, in all their spellings."""
    return frozenset(_known_names())


def without_life_dates(name: str) -> tuple[str, str]:
    """Splits "Claude Monet (French, 1840-1926)" into the name and the dates of life, "1840-1926", "" without any."""
    found = _LIFE.search(name)
    if found is None or not name[: found.start()].strip(" ,;_-"):
        return name, ""
    return name[: found.start()].rstrip(" ,;_-"), " ".join((found["inside"] or found["bare"]).split())


def _has_case(name: str) -> bool:
    return name != name.lower() and name != name.upper()


def _in_order(name: str) -> str:
    """Changes "Monet, Claude" to "Claude Monet" and "Bruegel, Pieter the Elder" to "Pieter Bruegel the Elder"."""
    last, comma, first = name.partition(",")
    if not comma or "," in first:
        return name.replace(",", "")
    rank = _RANK.search(first)
    first = first[: rank.start()] if rank else first
    return " ".join(f"{first} {last} {rank[0] if rank else ''}".split())


def _word(word: str, place: int, guess: bool) -> str:
    """Returns one word of a name in its normal case. With `guess`, the word's present case is ignored."""
    small = word.lower()
    if place and small in (_PARTICLES if guess else _ALWAYS_SMALL):
        return small
    if place and _ROMAN.fullmatch(word) and (guess or word.isupper()):
        return word.upper()
    if _INITIALS.fullmatch(word) and (guess or word.isupper()):
        return " ".join(f"{letter}." for letter in word.upper() if letter != ".")
    if not guess:
        return word
    # "o'keeffe", "d'arcangelo": the letters before and after the apostrophe become capitals.
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

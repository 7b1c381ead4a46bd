"""Reads a file of opt-outs: one artist, file hash or address per line; what is none of these is named."""

import re
from pathlib import Path

from impasto.data.annotations.opt_out import DIGESTS, Rule
from impasto.data.annotations.opt_out_names import address_form, is_address, without_dates
from impasto.data.catalogue.artist_names import artist_name, name_key
from impasto.data.catalogue.entry import Skipped
from impasto.data.catalogue.plain_text import cleaned, unprintable
from impasto.data.catalogue.text_files import TextSource

_HEX = re.compile(r"[0-9a-f]+")
_PREFIX = re.compile(r"(?i)^(?P<kind>artist|hash|sha-?256|sha-?1|md5|url)\s*:(?!//)\s*(?P<value>.*)$")
_INITIALS = re.compile(r"(?:[^\W\d_]\.){1,4}[^\W\d_][^\W\d_'’-]+")  # J.M.W.Turner is no host
_PICTURE = re.compile(r"(?i)[^:]*\.(?:png|jpe?g|webp|avif|gif|tiff?|bmp|heic|jxl)")
_NO_NAME = re.compile(r"[?!*=<>{}\[\]\\/@%$^~`+:|]")
_HEADINGS = frozenset({"artist", "artists", "name", "hash", "sha256", "sha1", "md5", "url", "value", "rule", "opt out"})
_MAX_LINE = 2000
_MAX_WORDS = 12  # of an artist's name without "artist:"
_WHAT = "it is no artist's name, hash or address; 'artist: ' before it makes it a name"


def read_opt_out(file: Path) -> tuple[list[Rule], list[Skipped]]:
    """Reads an opt-out file, and returns (rules, lines that are not understood).

    One artist, file hash (SHA-256, SHA-1 or MD5, hexadecimal) or address per line; `#` begins a comment. `artist:`, `hash:`
    or `url:` before it says which. Artists with ";" between them are a rule each. An address without a path
    (`https://example.org`, `example.org`) stands for the whole site, one that ends in `/` or `*` for all that begins with
    it.

    Raises:
        ImpastoError: the file cannot be read.
    """
    text, _ = TextSource.of(file).text()
    rules: list[Rule] = []
    wrong: list[Skipped] = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        words = re.sub(r"(?:^|\s)#.*$", "", line).strip().strip("\"'").strip().rstrip(",;").strip()
        if not words:
            continue
        try:
            rules += _rules(words, number)
        except ValueError as error:
            wrong.append(Skipped(f"{file.name} line {number}", f"{cleaned(words)[:80]!r} is not understood: {error}"))
    return rules, wrong


def _rules(words: str, number: int) -> list[Rule]:
    """Raises ValueError, with what is wrong, if the words name nothing that can be compared."""
    if len(words) > _MAX_LINE or unprintable(words):
        raise ValueError("use one artist, hash or address per line")
    named = _PREFIX.match(words)
    kind, value = (named["kind"].lower(), named["value"].strip()) if named else ("", words)
    bare = value.lower()
    is_hex = (
        _HEX.fullmatch(bare) is not None and len(bare) >= 8 and (len(bare) >= 20 or any(letter.isdigit() for letter in bare))
    )
    if kind not in ("", "artist", "url") or (not kind and is_hex):
        if not is_hex or len(bare) not in DIGESTS:
            raise ValueError("a hash has 64 (SHA-256), 40 (SHA-1) or 32 (MD5) hexadecimal digits")
        return [Rule("hash", bare, words, number)]
    if not kind and _PICTURE.fullmatch(value) and not ("/" in value and is_address(value)):
        raise ValueError("it is a file's name, which may change: give the file's hash (sha256sum) or its address")
    if kind == "url" or (not kind and is_address(value) and not _INITIALS.fullmatch(value)):
        form = address_form(value) if len(value.split()) == 1 else ""
        if not form:
            raise ValueError("an address needs a host and no spaces, as https://example.org/picture.jpg")
        return [Rule("url", form, words, number)]
    names = [name.strip() for name in value.split(";") if name.strip()]
    return [_artist(name, number, sure=kind == "artist") for name in names or [value]]


def _artist(name: str, number: int, *, sure: bool) -> Rule:
    bare = without_dates(name)
    key = name_key(artist_name(bare))
    if not key:
        raise ValueError("use an artist's name, a hash or an address")
    if not sure:
        if key in _HEADINGS:
            raise ValueError("it is a heading")
        if _NO_NAME.search(bare) or not any(letter.isalpha() for letter in bare) or len(bare.split()) > _MAX_WORDS:
            raise ValueError(_WHAT)
    return Rule("artist", key, name, number)

"""The forms in which opt-out rules and a catalogue's metadata are compared: artists' names and addresses."""

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from impasto.data.catalogue.artist_names import artist_name, name_key
from impasto.data.catalogue.columns import column_of, plain_column, text_list

_HOST = re.compile(r"(?i)(?:[\w-]+\.)+[^\W\d_][\w-]{1,23}(?::\d+)?(?:[/?#]\S*)?")
_SCHEME = re.compile(r"(?i)[a-z][a-z0-9+.-]*://")
_ADDRESS = re.compile(r"(?i)(?:[a-z][a-z0-9+.-]*:|(?<![:/\w]))//[^\s\"'<>|\\^`]+")
_BETWEEN = re.compile(r"(?i)[,;](?=(?:[a-z][a-z0-9+.-]*:)?//)")
_AROUND = "<>()[]{}\"'`,;"
# Columns whose texts are addresses, also without "https://".
_ADDRESS_COLUMN = re.compile(
    r"url|uri|link|href|source|src|address|web|site|page|origin|from|credit|thumb|provider|repository"
)
_ARTIST_COLUMNS = frozenset({
    "artists", "painters", "creators", "authors", "makers", "maker", "photographer", "photographers", "illustrator",
    "illustrators", "artist_display_name", "artist_full_name", "second_artist", "co_artist", "co_artists", "collaborator",
    "collaborators",
})  # fmt: skip
_JOINED = re.compile(r"(?i)\s*[;|/+&\n]\s*|\s+(?:and|und|et|with|mit|avec|y|e)\s+")
_IN_BRACKETS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_DATES = re.compile(r"(?i)(?:\s*,\s*|\s+(?:b|born|c|ca)\b\.?\s*|\s+(?=\d{4}\s*[-–—]))[12]\d{3}\b.*$")


def without_dates(name: str) -> str:
    """Returns an artist's name without brackets and years: "Claude Monet (French, 1840-1926)" is "Claude Monet"."""
    return _DATES.sub("", _IN_BRACKETS.sub("", name)).strip() or name


@lru_cache(maxsize=1 << 16)
def artist_keys(text: str) -> tuple[str, ...]:
    """Returns the keys of all whom an artist column names: of the whole text first, then of each artist of a joint work.

    Joint artists stand with ";", "|", "/", "&", "and" and the like between them, as a list, or with commas between whole
    names ("Claude Monet, Alfred Sisley"; but "Monet, Claude" is one).
    """
    found = [text]
    for one in text_list(text) or (text,):
        for form in (one, without_dates(one)):
            parts = [part for part in _JOINED.split(form) if part.strip()]
            found += [form, *parts, *map(without_dates, parts)]
            found += [name for part in parts for name in part.split(",") if len(name.split()) > 1]
    return tuple(dict.fromkeys(key for name in found if (key := name_key(artist_name(name)))))


def names_artists(column: str) -> bool:
    """Returns whether a column of the metadata holds artists."""
    return column_of(column) == "artist" or plain_column(column) in _ARTIST_COLUMNS


def is_address(words: str) -> bool:
    """Returns whether a text is an address: `https://example.org/a.jpg`, `//example.org/a.jpg` or `example.org/a.jpg`."""
    return _SCHEME.match(words) is not None or words.startswith("//") or _HOST.fullmatch(words) is not None


def address_form(url: str) -> str:
    """Returns an address in the form that is compared: host without "www.", path, query; "/*" at the end of a prefix.

    The scheme does not count, and may lack. Returns "" if there is no host with a point.

    Raises:
        ValueError: the address is malformed.
    """
    parts = urlsplit(url if _SCHEME.match(url) else f"https://{url.lstrip('/')}")
    host = (parts.hostname or "").rstrip(".").removeprefix("www.")
    if not host or "." not in host:
        return ""
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    path = unquote(parts.path)
    if not path.strip("/*") and not parts.query:
        return f"{host}/*"
    if path.endswith(("/", "*")) and not parts.query:
        return f"{host}{path.rstrip('*').rstrip('/')}/*"
    return f"{host}{path}" + (f"?{parts.query}" if parts.query else "")


def addresses_in(column: str, text: str) -> Iterator[str]:
    """Yields the addresses in a text of the metadata.

    Without a scheme, `host/path` is an address in any column, a host alone only in columns for addresses, sources and links.
    """
    if "." not in text:
        return
    for part in _BETWEEN.split(text):
        for match in _ADDRESS.finditer(part):
            yield match[0].strip(_AROUND).rstrip(".")
    hosts = _ADDRESS_COLUMN.search(plain_column(column)) is not None
    for word in re.split(r"[\s,;|\"'<>()\[\]{}]+", text):
        if "." in word and "//" not in word and (hosts or "/" in word or word.startswith("www.")) and _HOST.fullmatch(word):
            yield word


def forms_of(address: str) -> Iterator[str]:
    """Yields the forms under which rules may name an address: itself, without its query, each of its folders, its hosts."""
    try:
        form = address_form(address)
    except ValueError:
        return
    if not form:
        return
    yield form
    path = form.partition("?")[0].removesuffix("/*")
    yield path
    while path:
        yield f"{path}/*"
        path = path.rpartition("/")[0]
    host = form.partition("?")[0].partition("/")[0]
    while host.count(".") > 1:  # a site's other hosts: images.example.org
        host = host.partition(".")[2]
        yield f"{host}/*"

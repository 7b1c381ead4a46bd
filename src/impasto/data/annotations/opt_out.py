"""Rules of who opted out: artists, file hashes and addresses whose pictures a catalogue no longer uses.

The rules lie in `CATALOGUE/annotations/opt-out.jsonl`, one JSON object per line: `kind` (artist, hash or url), `value`, and
which file and line they came from. They hold whenever the catalogue is read and whenever pictures are imported into it.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from impasto.data.annotations.log import FOLDER, content_of
from impasto.data.caches.row_log import RowLog
from impasto.data.catalogue.artist_names import artist_name, name_key
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.plain_text import cleaned, unprintable
from impasto.data.catalogue.text_files import TextSource
from impasto.errors import ImpastoError

FILE = "opt-out.jsonl"
Kind = Literal["artist", "hash", "url"]
_KINDS = ("artist", "hash", "url")
_DIGESTS = {32: "md5", 40: "sha1", 64: "sha256"}
_HEX = re.compile(r"[0-9a-f]+")
_HOST = re.compile(r"(?i)(?:[a-z0-9-]+\.)+[a-z]{2,24}(?::\d+)?(?:/\S*)?")
_PREFIX = re.compile(r"(?i)^(?P<kind>artist|hash|sha-?256|sha-?1|md5|url)\s*:\s*(?!//)(?P<value>.*)$")
_HASH_COLUMNS = ("sha256", "sha1", "md5", "hash", "content_hash", "file_hash", "source_hash")
_MAX_LINE = 2000


@dataclass(frozen=True)
class Rule:
    """One line of an opt-out file: what it names, as written (`text`) and in the form that is compared (`value`)."""

    kind: Kind
    value: str
    text: str
    line: int = 0


@dataclass
class OptOutRules:
    """Rules by kind, each from its compared form to the words of the line."""

    artists: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, catalogue: Path) -> "OptOutRules":
        """Reads the rules of a catalogue.

        Raises:
            ImpastoError: the file exists but cannot be read, or has lines that are no rules.
        """
        log, rules = rule_log(catalogue), cls()
        for row in log.rows():
            rules.add(Rule(row["kind"], row["value"], str(row.get("text", row["value"]))))
        if log.broken:  # unlike in other logs: what cannot be read might be somebody's refusal
            raise ImpastoError(f"{log.path} has {log.broken} lines that are no opt-out rules: correct or remove them")
        return rules

    def __bool__(self) -> bool:
        return bool(self.artists or self.hashes or self.urls)

    def add(self, rule: Rule) -> None:
        """Adds a rule."""
        {"artist": self.artists, "hash": self.hashes, "url": self.urls}[rule.kind][rule.value] = rule.text

    def matching(
        self, artist: str, columns: Iterable[str], hashes: Iterable[str], digest: Callable[[str], str]
    ) -> tuple[Kind, str] | None:
        """Returns (kind, compared form) of the rule that a picture falls under, or None.

        Args:
            artist: the picture's artist.
            columns: texts of its metadata, among which may be addresses.
            hashes: hashes that its metadata gives.
            digest: returns the picture's own hash by this algorithm ("sha256", "sha1" or "md5"), or "".
        """
        if self.artists and artist:
            key = name_key(artist_name(artist))
            if key in self.artists:
                return "artist", key
        if self.urls:
            for column in columns:
                if "://" in column:
                    found = next((form for form in _forms_of(column) if form in self.urls), None)
                    if found is not None:
                        return "url", found
        if self.hashes:
            own = (digest(_DIGESTS[length]) for length in sorted({len(value) for value in self.hashes}, reverse=True))
            for value in (*hashes, *own):
                if value.lower() in self.hashes:
                    return "hash", value.lower()
        return None

    def words(self, found: tuple[Kind, str]) -> str:
        """Returns the sentence for a picture under this rule."""
        kind, value = found
        texts = {"artist": self.artists, "hash": self.hashes, "url": self.urls}[kind]
        return f"opted out ({kind} {texts[value][:100]})"

    def of_entry(self, entry: CatalogueEntry) -> tuple[Kind, str] | None:
        """Returns the rule that a catalogue's entry falls under, or None."""
        hashes = (entry.extra[column] for column in _HASH_COLUMNS if column in entry.extra)
        return self.matching(entry.artist, entry.extra.values(), hashes, lambda name: _digest(entry.file, None, name))

    def of_row(self, row: dict[str, Any], file: Path | None, data: bytes | None) -> tuple[Kind, str] | None:
        """Returns the rule that a picture of an import falls under, or None."""
        texts = [value for value in row.values() if isinstance(value, str)]
        hashes = (str(row[column]) for column in _HASH_COLUMNS if column in row)
        return self.matching(str(row.get("artist", "")), texts, hashes, lambda name: _digest(file, data, name))


def rule_log(catalogue: Path) -> RowLog:
    """Returns the log of a catalogue's rules."""
    return RowLog(Path(catalogue) / FOLDER / FILE, _is_rule)


def without_opted_out(catalogue: Path, entries: list[CatalogueEntry], report: CatalogueReport) -> list[CatalogueEntry]:
    """Returns the entries under no rule; the others are listed in `report.skipped`.

    Raises:
        ImpastoError: the rules cannot be read.
    """
    rules = OptOutRules.of(catalogue)
    if not rules:
        return entries
    kept = []
    for entry in entries:
        found = rules.of_entry(entry)
        if found is None:
            kept.append(entry)
        else:
            report.skipped.append(Skipped(entry.file_name, rules.words(found)))
    return kept


def read_opt_out(file: Path) -> tuple[list[Rule], list[Skipped]]:
    """Reads an opt-out file, and returns (rules, lines that are not understood).

    One artist, file hash (SHA-256, SHA-1 or MD5, hexadecimal) or address per line; `#` begins a comment. `artist:`, `hash:`
    or `url:` before it says which. An address without a path (`https://example.org`, `example.org`) stands for the whole
    site, one that ends in `/` or `*` for all that begins with it.

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
            rules.append(_rule(words, number))
        except ValueError as error:
            wrong.append(Skipped(f"{file.name} line {number}", f"{cleaned(words)[:80]!r} is not understood: {error}"))
    return rules, wrong


def _rule(words: str, number: int) -> Rule:
    """Raises ValueError, with what is wrong, if the words name nothing that can be compared."""
    if len(words) > _MAX_LINE or unprintable(words):
        raise ValueError("use one artist, hash or address per line")
    named = _PREFIX.match(words)
    kind, value = (named["kind"].lower(), named["value"].strip()) if named else ("", words)
    bare = value.lower()
    is_hex = _HEX.fullmatch(bare) is not None
    if kind in ("hash", "sha256", "sha-256", "sha1", "sha-1", "md5") or (not kind and is_hex and len(bare) >= 20):
        if not is_hex or len(bare) not in _DIGESTS:
            raise ValueError("a hash has 64 (SHA-256), 40 (SHA-1) or 32 (MD5) hexadecimal digits")
        return Rule("hash", bare, words, number)
    if kind == "url" or (not kind and ("://" in value or _HOST.fullmatch(value))):
        form = _form(value)
        if not form:
            raise ValueError("an address needs a host, as https://example.org/picture.jpg")
        return Rule("url", form, words, number)
    key = name_key(artist_name(value))
    if not key:
        raise ValueError("use an artist's name, a hash or an address")
    return Rule("artist", key, value, number)


def _form(url: str) -> str:
    """Returns an address in the form that is compared: host without "www.", path, query; "/*" at the end of a prefix."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    host = (parts.hostname or "").removeprefix("www.")
    if not host or "." not in host:
        return ""
    path = unquote(parts.path)
    if not path.strip("/*") and not parts.query:
        return f"{host}/*"
    if path.endswith(("/", "*")) and not parts.query:
        return f"{host}{path.rstrip('*').rstrip('/')}/*"
    return f"{host}{path}" + (f"?{parts.query}" if parts.query else "")


def _forms_of(text: str) -> Iterator[str]:
    """Yields the forms under which rules may name an address: itself, without its query, and each of its folders."""
    for word in text.split():
        if "://" not in word:
            continue
        try:
            form = _form(word.strip("<>()\"',;"))
        except ValueError:
            continue
        yield form
        path = form.partition("?")[0].removesuffix("/*")
        yield path
        while path:
            yield f"{path}/*"
            path = path.rpartition("/")[0]
        host = form.partition("/")[0]
        while host.count(".") > 1:  # a site's other hosts: images.example.org
            host = host.partition(".")[2]
            yield f"{host}/*"


def _digest(file: Path | None, data: bytes | None, algorithm: str) -> str:
    try:
        if data is not None:
            return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()
        if file is None:
            return ""
        if algorithm == "sha256":
            return content_of(file)
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
    except (OSError, ImpastoError):
        return ""


def _is_rule(row: object) -> bool:
    return isinstance(row, dict) and row.get("kind") in _KINDS and isinstance(row.get("value"), str) and bool(row["value"])

"""Rules of who opted out: artists, file hashes and addresses whose pictures a catalogue no longer uses.

The rules lie in `CATALOGUE/annotations/opt-out.jsonl`, one JSON object per line: `kind` (artist, hash or url), `value`, and
which file and line they came from. They hold whenever the catalogue is read and whenever pictures are imported into it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from impasto.data.annotations.log import FOLDER, content_of
from impasto.data.annotations.opt_out_names import addresses_in, artist_keys, forms_of, names_artists
from impasto.data.caches.row_log import RowLog
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.shards.homes import is_home
from impasto.errors import ImpastoError

FILE = "opt-out.jsonl"
Kind = Literal["artist", "hash", "url"]
Found = tuple[Kind, str]
_KINDS = ("artist", "hash", "url")
DIGESTS = {32: "md5", 40: "sha1", 64: "sha256"}
_HASH_COLUMNS = ("sha256", "sha1", "md5", "hash", "content_hash", "file_hash", "source_hash")


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

    def matches(
        self, artists: Iterable[str], columns: Iterable[tuple[str, str]], hashes: Iterable[str], digest: Callable[[str], str]
    ) -> Iterator[Found]:
        """Yields (kind, compared form) of the rules that a picture falls under, artists first.

        Args:
            artists: the texts of its artist columns; each may name several (see `artist_keys`).
            columns: (column, text) of its metadata, among which may be addresses (see `addresses_in`).
            hashes: hashes that its metadata gives.
            digest: returns the picture's own hash by this algorithm ("sha256", "sha1" or "md5"), or "".
        """
        if self.artists:
            for text in artists:
                for key in filter(self.artists.__contains__, artist_keys(text)):
                    yield "artist", key
        if self.urls:
            for column, text in columns:
                for address in addresses_in(column, text):
                    for form in filter(self.urls.__contains__, forms_of(address)):
                        yield "url", form
        if self.hashes:
            own = (digest(DIGESTS[length]) for length in sorted({len(value) for value in self.hashes}, reverse=True))
            for value in (*hashes, *own):
                if value.lower() in self.hashes:
                    yield "hash", value.lower()

    def words(self, found: Found) -> str:
        """Returns the sentence for a picture under this rule."""
        kind, value = found
        texts = {"artist": self.artists, "hash": self.hashes, "url": self.urls}[kind]
        return f"opted out ({kind} {texts[value][:100]})"

    def of_entry(self, entry: CatalogueEntry) -> Found | None:
        """Returns the first rule that a catalogue's entry falls under, or None."""
        return next(self.all_of_entry(entry), None)

    def all_of_entry(self, entry: CatalogueEntry) -> Iterator[Found]:
        """Yields all rules that a catalogue's entry falls under; one may come twice."""
        hashes = (entry.extra[column] for column in _HASH_COLUMNS if column in entry.extra)
        return self.matches(artists_of(entry), entry.extra.items(), hashes, lambda name: _digest(entry.file, None, name))

    def of_row(self, row: dict[str, Any], file: Path | None, data: bytes | None) -> Found | None:
        """Returns the first rule that a picture of an import falls under, or None."""
        texts = {column: _text(value) for column, value in row.items() if isinstance(value, str | list | dict)}
        hashes = (str(row[column]) for column in _HASH_COLUMNS if column in row)
        artists = [text for column, text in texts.items() if names_artists(column)]
        return next(self.matches(artists, texts.items(), hashes, lambda name: _digest(file, data, name)), None)


def artists_of(entry: CatalogueEntry) -> list[str]:
    """Returns the texts of all columns of an entry that name artists."""
    others = (text for column, text in entry.extra.items() if names_artists(column))
    return [text for text in (entry.artist, *others) if text]


def rule_log(catalogue: Path) -> RowLog:
    """Returns the log of a catalogue's rules."""
    return RowLog(Path(catalogue) / FOLDER / FILE, _is_rule, parents=is_home(Path(catalogue)))


def without_opted_out(
    rules: OptOutRules, entries: list[CatalogueEntry], report: CatalogueReport
) -> list[CatalogueEntry]:
    """Returns the entries under no rule; the others are listed in `report.skipped`."""
    kept = []
    for entry in entries:
        found = rules.of_entry(entry)
        if found is None:
            kept.append(entry)
        else:
            report.skipped.append(Skipped(entry.file_name, rules.words(found)))
    return kept


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


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

"""The handbook: an offline knowledge base of artists, styles, genres and themes for prompts, in editable Markdown files.

`artists`, `styles`, `genres` and `themes` contain one Markdown file per entry: a title, fields (`name: a, b, c`), a body.
Each sentence of the body names its subject, so that it can be used alone in a prompt.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from impasto.errors import ImpastoError
from impasto.prompts.artists import plain_name
from impasto.prompts.knowledge.sentences import split_sentences

Kind = Literal["artists", "styles", "genres", "themes"]
KINDS: tuple[Kind, ...] = ("artists", "styles", "genres", "themes")
FIELDS: dict[Kind, tuple[str, ...]] = {
    "artists": ("life", "places", "motifs", "palette", "brushwork"),
    "styles": ("also", "period", "traits"),
    "genres": ("also", "traits"),
    "themes": ("also", "places", "times", "motifs"),
}
_FIELD = re.compile(r"([a-z]+): (\S.*)")


@dataclass(frozen=True)
class HandbookEntry:
    """One file of the handbook. `fields` contains the lines between title and body, in order."""

    kind: Kind
    slug: str
    title: str
    fields: tuple[tuple[str, str], ...]
    body: str

    def field(self, name: str) -> str:
        """Returns the field's text, or "" if the entry has no such field."""
        return dict(self.fields).get(name, "")

    def items(self, name: str) -> list[str]:
        """Returns the field's text, split at commas."""
        return [part.strip() for part in self.field(name).split(",") if part.strip()]

    @property
    def names(self) -> list[str]:
        """The title and the other names of the entry."""
        return [self.title, *self.items("also")]

    @property
    def sentences(self) -> list[str]:
        """The body's sentences."""
        return split_sentences(self.body)


def read_entry(kind: Kind, path: Path) -> HandbookEntry:
    """Reads one file. Raises ImpastoError, with file and line, if its format is wrong."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ImpastoError(f"{path}: {error}") from None
    if not lines or not re.fullmatch(r"# \S.*", lines[0]):
        raise ImpastoError(f'{path}, line 1: the title is missing ("# Claude Monet")')
    fields: list[tuple[str, str]] = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            break
        match = _FIELD.fullmatch(line.strip())
        if match is None or match[1] not in FIELDS[kind]:
            raise ImpastoError(f"{path}, line {number}: not a field of {kind} ({', '.join(FIELDS[kind])})")
        fields.append((match[1], match[2]))
    body = " ".join(" ".join(lines[len(fields) + 1 :]).split())
    if not body:
        raise ImpastoError(f"{path}: the text is missing, after an empty line")
    return HandbookEntry(kind, path.stem, lines[0][2:].strip(), tuple(fields), body)


def read_handbook(folder: Path) -> list[HandbookEntry]:
    """Reads all entries under `folder`, by kind and file name. Raises ImpastoError for the first unreadable file."""
    return [read_entry(kind, path) for kind in KINDS for path in sorted((folder / kind).glob("*.md"))]


@cache
def handbook() -> tuple[HandbookEntry, ...]:
    """Returns the entries of the handbook that comes with Impasto."""
    return tuple(read_handbook(Path(__file__).parent))


def look_up(name: str, entries: Sequence[HandbookEntry], kind: Kind | None = None) -> HandbookEntry | None:
    """Returns the entry with this title or other name, or None. Case and accents are ignored."""
    wanted = plain_name(name)
    for entry in entries:
        if kind in (None, entry.kind) and wanted and wanted in map(plain_name, entry.names):
            return entry
    return None

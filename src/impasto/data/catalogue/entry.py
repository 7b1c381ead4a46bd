"""One picture of a catalogue, and what is told of those that are not used."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class CatalogueEntry:
    """One picture and what is known of it; an unknown field is empty, an unknown year None."""

    file: Path
    file_name: str
    artist: str = ""
    title: str = ""
    caption: str = ""
    style: str = ""
    genre: str = ""
    year: int | None = None
    tags: tuple[str, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """An entry that is not used, and why."""

    file_name: str
    reason: str


@dataclass
class CatalogueReport:
    """What was left out, and what was used but looked wrong."""

    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[Skipped] = field(default_factory=list)

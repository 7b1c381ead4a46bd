"""The entry of one picture in a catalogue, and the report on entries that are not used."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class CatalogueEntry:
    """One picture and its metadata. An unknown field is empty, an unknown year None."""

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
    """An entry that is not used or has a problem, and the reason."""

    file_name: str
    reason: str


@dataclass
class CatalogueReport:
    """The entries that were left out (`skipped`), and those used in spite of a problem (`warnings`)."""

    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[Skipped] = field(default_factory=list)

"""The entry of one picture in a catalogue, and the report on entries that are not used."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class CatalogueEntry:
    """One picture and its metadata. An unknown field is empty, an unknown year None.

    Attributes:
        caption: the caption in force.
        variants: further captions of the same picture; training draws among all of them.
        repeats: how often an epoch shows the picture in comparison with others, 1 or more (kohya's `10_name` folders).
        extra: the other columns of the metadata, as texts.
    """

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
    variants: tuple[str, ...] = ()
    repeats: int = 1

    @property
    def license(self) -> str:
        """The licence that the metadata gives, or ""."""
        return self.extra.get("license", "")

    @property
    def source(self) -> str:
        """Where the picture comes from: the metadata's `source`, else its `url`, or ""."""
        return self.extra.get("source", "") or self.url

    @property
    def url(self) -> str:
        """The address that the metadata gives, or ""."""
        return self.extra.get("url", "")


@dataclass(frozen=True)
class Skipped:
    """An entry that is not used or has a problem, and the reason."""

    file_name: str
    reason: str


@dataclass
class CatalogueReport:
    """The entries that were left out (`skipped`), those used in spite of a problem (`warnings`), and notes on the folder."""

    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

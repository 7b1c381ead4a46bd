"""The entry of one picture in a catalogue, and the report on entries that are not used."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

MOST_NAMED = 10_000  # entries that the report on a catalogue in parts names


@dataclass(frozen=True)
class CatalogueEntry:
    """One picture and its metadata. An unknown field is empty, an unknown year None.

    Attributes:
        caption: the caption in force.
        variants: further captions of the same picture; training draws among all of them.
        conditions: pictures that it was made from or that go with it, by the column that names them, such as `input`.
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
    conditions: dict[str, Path] = field(default_factory=dict)

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
    """The entries that were left out (`skipped`), those used in spite of a problem (`warnings`), and notes on the folder.

    Attributes:
        more: how many were left out beside `skipped`, by the kind of reason: of parts that were added, only the first
            `MOST_NAMED` entries are named.
    """

    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    more: Counter[str] = field(default_factory=Counter)

    @property
    def left_out(self) -> int:
        """The number of entries that were left out."""
        return len(self.skipped) + self.more.total()

    def add(self, other: "CatalogueReport") -> None:
        """Adds what another report tells, as of a further part of the catalogue."""
        room = max(0, MOST_NAMED - len(self.skipped))
        self.more.update(kind_of_reason(skipped.reason) for skipped in other.skipped[room:])
        self.more += other.more
        self.skipped += other.skipped[:room]
        self.warnings += other.warnings[: max(0, MOST_NAMED - len(self.warnings))]
        self.notes += other.notes[: max(0, MOST_NAMED - len(self.notes))]

    def reasons(self) -> dict[str, int]:
        """Returns how many were left out for which kind of reason, the most frequent first."""
        return dict((Counter(kind_of_reason(skipped.reason) for skipped in self.skipped) + self.more).most_common())


OPTED_OUT, DROPPED, REJECTED = "opted out", "dropped by the filter", "rejected in review"
_KINDS = (
    ("opted out", OPTED_OUT), ("similarity ", DROPPED), ("dropped by the filter", DROPPED), (REJECTED, REJECTED),
    ("the same picture as ", "the same picture as another"),
)  # fmt: skip


def kind_of_reason(reason: str) -> str:
    """Returns the kind of a reason why a picture is not used, without what differs from picture to picture."""
    return next((kind for start, kind in _KINDS if reason.startswith(start)), reason[:80])


def counted_reasons(reasons: dict[str, int], most: int = 6) -> str:
    """Returns "39 dropped by the filter, 21 opted out" of counts by reason; beyond `most` reasons, the others as one."""
    parts = [f"{count} {reason}" for reason, count in list(reasons.items())[:most]]
    others = sum(list(reasons.values())[most:])
    return ", ".join(parts) + (f", {others} for other reasons" if others else "")

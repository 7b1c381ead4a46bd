"""The rows of a shard manifest: where a picture lies in its shard, and its metadata."""

from dataclasses import dataclass
from typing import Any

from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.entry_of_row import entry_of_row
from impasto.data.catalogue.plain_text import unprintable
from impasto.data.shards.member import MemberPlace, ShardMember

_LONGEST_NAME = 1024
TEXTS = ("artist", "title", "style", "genre")


@dataclass(frozen=True)
class ManifestRow:
    """A picture of a shard.

    Attributes:
        member: its file's name in the shard ("00000012.jpg").
        place: where its bytes lie.
        file_name: its name in the catalogue.
        row: its metadata with a catalogue's columns; columns of other names have texts.
    """

    member: str
    place: MemberPlace
    file_name: str
    row: dict[str, Any]

    def entry(self, report: CatalogueReport) -> CatalogueEntry | None:
        """Returns the catalogue's entry; None for a name that would leave the catalogue, which is told in `report`."""
        name = self.file_name
        if leaves(name) or len(name) > _LONGEST_NAME or unprintable(name):
            report.skipped.append(Skipped(f"{self.place.shard}/{self.member}"[:200], "an impossible file name"))
            return None
        return entry_of_row(name, ShardMember.at(self.place, self.member), self.row, report)

    def columns(self) -> dict[str, Any]:
        """Returns the row of the manifest's table."""
        place, row = self.place, self.row
        captions = row.get("captions") or []
        known = ("file_name", "year", "text", "tags", "captions", "repeats", "reviewed", "content", *TEXTS)
        return {
            "key": self.member.partition(".")[0], "shard": place.shard, "member": self.member, "offset": place.offset,
            "size": place.size, "content": bytes.fromhex(place.content), "width": place.width, "height": place.height,
            "file_name": self.file_name, **{name: row.get(name) or "" for name in TEXTS}, "year": row.get("year"),
            "text": row.get("text") or "", "captions": captions, "tags": row.get("tags") or [],
            "repeats": row.get("repeats") or 1, "reviewed": row.get("reviewed") or "",
            "extra": [(name, value) for name, value in row.items() if name not in known],
        }  # fmt: skip


def row_of_entry(entry: CatalogueEntry) -> dict[str, Any]:
    """Returns an entry's metadata as the row of a manifest."""
    row: dict[str, Any] = {
        "artist": entry.artist, "title": entry.title, "year": entry.year, "style": entry.style, "genre": entry.genre,
        "text": entry.caption, "tags": list(entry.tags),
    }  # fmt: skip
    if entry.variants:
        row["captions"] = [entry.caption, *entry.variants]
    if entry.repeats > 1:
        row["repeats"] = entry.repeats
    return row | {name: value for name, value in entry.extra.items() if name not in row}


def leaves(name: str) -> bool:
    """Returns whether a file name is empty, absolute, or climbs out of its folder."""
    return not name or name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":"


def row_of_columns(columns: dict[str, Any], store: str) -> ManifestRow:
    """Returns the row of `ManifestRow.columns`, read from a manifest of the shards in `store`.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is no such row.
    """
    content = columns["content"]
    offset, size = int(columns["offset"]), int(columns["size"])
    shard = columns["shard"]
    if (
        leaves(shard)
        or "/" in shard
        or "\\" in shard
        or offset < 0
        or size < 0
        or not isinstance(content, bytes)
        or len(content) != 32
    ):
        raise ValueError("a place that no shard has")
    place = MemberPlace(store, shard, offset, size, content.hex(), columns["width"] or 0, columns["height"] or 0)
    row: dict[str, Any] = {name: columns[name] for name in (*TEXTS, "year", "text", "tags", "captions") if columns[name]}
    if (columns["repeats"] or 1) > 1:
        row["repeats"] = columns["repeats"]
    if columns["reviewed"]:
        row["reviewed"] = columns["reviewed"]
    for name, value in columns["extra"] or ():
        row.setdefault(name, value)
    return ManifestRow(columns["member"], place, columns["file_name"], row)

"""Counts the contents of a catalogue: artists and their shares, styles, genres, years, sizes, captions, missing values."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from impasto.data.catalogue.artist_names import artist_name
from impasto.data.catalogue.entry import CatalogueReport, Skipped
from impasto.data.catalogue.pictures import upright_size
from impasto.data.catalogue.read import CatalogueEntry, catalogue_parts
from impasto.data.catalogue.wikiart_names import row_of_name
from impasto.data.importing.wikiart import WikiArtLists
from impasto.errors import ImpastoError

TOPS = (10, 20, 30)  # numbers of top artists for which wu2022 reports their share of the paintings
# Lower edges of the histogram bins: pixels of the longer side, and words of a caption.
SIDES = (0, 256, 512, 768, 1024, 2048, 4096)
WORDS = (0, 1, 5, 10, 20, 40, 80)
Count = tuple[str, int]


@dataclass(frozen=True)
class Work:
    """The fields of one painting that are counted. "" and None mean unknown."""

    artist: str = ""
    title: str = ""
    style: str = ""
    genre: str = ""
    year: int | None = None
    caption: str = ""
    tags: tuple[str, ...] = ()
    longer_side: int | None = None
    license: str = ""
    source: str = ""


@dataclass(frozen=True)
class CatalogueStatistics:
    """Counts over `paintings` works, as pairs (name, count).

    The most frequent name comes first; decades, sizes and words are in ascending order.

    Attributes:
        decades: (first year of the decade, count), only decades with works.
        sides: histogram of the longer side in pixels; empty when there are no pictures, as for WikiArt's lists.
        words: histogram of the number of words in a caption.
        missing: (column, number of works in which it is empty).
        licenses: (licence, count) of the works whose metadata gives one.
        sources: (source, count): the metadata's source, else the host of its address.
    """

    paintings: int
    artists: list[Count]
    styles: list[Count]
    genres: list[Count]
    decades: list[tuple[int, int]]
    sides: list[Count]
    words: list[Count]
    missing: list[Count]
    licenses: list[Count] = field(default_factory=list)
    sources: list[Count] = field(default_factory=list)
    report: CatalogueReport = field(default_factory=CatalogueReport, compare=False)

    def share(self, top: int) -> float:
        """Returns the share of all works, 0..1, painted by the `top` artists with the most works."""
        return sum(count for _, count in self.artists[:top]) / self.paintings if self.paintings else 0.0


def count_works(works: Iterable[Work], columns: Sequence[str]) -> CatalogueStatistics:
    """Counts works, one after the other. `columns` names the fields of `Work` that the data can contain."""
    total = 0
    named: dict[str, Counter[str]] = {name: Counter() for name in ("artist", "style", "genre", "license", "source")}
    decades, sides, words = Counter[int](), Counter[int](), Counter[int]()
    missing = dict.fromkeys(columns, 0)
    for work in works:
        total += 1
        for field_name, counts in named.items():
            value: str = getattr(work, field_name)
            if value:
                counts[artist_name(value) if field_name == "artist" else value] += 1
        if work.year is not None:
            decades[work.year // 10 * 10] += 1
        if work.longer_side is not None:
            sides[work.longer_side] += 1
        if "caption" in columns:
            words[len(work.caption.split())] += 1
        for column in columns:
            missing[column] += getattr(work, column) in ("", None, ())
    return CatalogueStatistics(
        paintings=total,
        artists=_frequent(named["artist"]),
        styles=_frequent(named["style"]),
        genres=_frequent(named["genre"]),
        decades=sorted(decades.items()),
        sides=_binned(sides, SIDES),
        words=_binned(words, WORDS),
        missing=list(missing.items()) if total else [],
        licenses=_frequent(named["license"]),
        sources=_frequent(named["source"]),
    )


def catalogue_statistics(folder: Path, on_progress: Callable[[int, int], None] | None = None) -> CatalogueStatistics:
    """Counts the entries of a catalogue, without rejected or dropped ones.

    Only the size is read from each picture. If the filter, a review or opt-outs leave no picture, all counts are zero.
    `on_progress` is called with (done, total).

    Raises:
        ImpastoError: the catalogue cannot be read, or contains no usable entry.
    """
    report = CatalogueReport()
    columns = ("artist", "title", "year", "style", "genre", "caption", "tags", "longer_side", "license", "source")
    found = count_works(_works(folder, report, on_progress), columns)
    found.report.add(report)
    return found


def _works(
    folder: Path, report: CatalogueReport, on_progress: Callable[[int, int], None] | None
) -> Iterator[Work]:
    """Yields the works of a catalogue; what is not used or has no size is told in `report`."""
    done = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for part in catalogue_parts(folder, check_images=False, may_be_empty=True):
            for entry, side in zip(part.entries, pool.map(_longer_side, part.entries), strict=True):
                if side is None:
                    part.report.warnings.append(Skipped(entry.file_name, "its size cannot be read"))
                yield Work(
                    entry.artist, entry.title, entry.style, entry.genre, entry.year, entry.caption, entry.tags, side,
                    entry.license, _source_of(entry),
                )  # fmt: skip
                done += 1
                if on_progress is not None:
                    on_progress(done, max(part.of, done) if part.home != part.folder else len(part.entries))
            report.add(part.report)


def list_statistics(folder: Path) -> CatalogueStatistics:
    """Counts all rows of the style lists among WikiArt's own lists (cs-chan/ArtGAN).

    Raises:
        ImpastoError: a list or its classes cannot be read, or there is no style list.
    """
    lists = WikiArtLists.read(folder)
    works = []
    for name, classes in lists.classes.items():
        if "style" in classes:
            row = row_of_name(name)
            year = row.get("year")
            works.append(Work(row.get("artist", ""), row.get("title", ""), classes["style"], classes.get("genre", ""), year))
    if not works:
        raise ImpastoError(f"{folder} has no rows in style_train.csv and style_val.csv, which name all paintings")
    return count_works(works, ("artist", "title", "year", "style", "genre"))


def _source_of(entry: CatalogueEntry) -> str:
    """Returns the metadata's source; of an address, which differs from picture to picture, the host."""
    if "://" not in entry.source:
        return entry.source
    try:
        return urlsplit(entry.source.strip()).hostname or entry.source
    except ValueError:
        return entry.source


def _longer_side(entry: CatalogueEntry) -> int | None:
    """Reads the length of the longer side in pixels from the file's header; None if it cannot be read."""
    try:
        return max(upright_size(entry.file))
    except ImpastoError:
        return None


def _frequent(counts: Counter[str]) -> list[Count]:
    return sorted(((name, count) for name, count in counts.items() if name), key=lambda pair: (-pair[1], pair[0]))


def _binned(values: Counter[int], edges: Sequence[int]) -> list[Count]:
    """Counts the values from each edge up to the next. Returns an empty list if there are no values."""
    if not values:
        return []
    found = []
    for low, high in zip(edges, (*edges[1:], None), strict=True):
        name = f"{low}+" if high is None else str(low) if high == low + 1 else f"{low}-{high - 1}"
        found.append((name, sum(n for value, n in values.items() if low <= value and (high is None or value < high))))
    return found

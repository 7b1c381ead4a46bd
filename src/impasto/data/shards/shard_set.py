"""Opens a set of tar shards and gives its pictures part by part, so that a set of any size takes the memory of one part."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from impasto.data.catalogue.endings import is_picture
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.listing import METADATA
from impasto.data.shards.homes import OVERLAY, home_of
from impasto.data.shards.manifest import MANIFEST, Manifest, ManifestWriter, ShardFile
from impasto.data.shards.rows import ManifestRow
from impasto.data.shards.scan import scan_shard
from impasto.errors import ImpastoError
from impasto.files import written_atomically
from impasto.settings import cache_folder
from impasto.stores.opening import store_of
from impasto.stores.place import address_of
from impasto.stores.store import Store, StoredFile

MOST = 4096  # pictures of a part: a larger shard is several parts
_SHARD = ".tar"
_VERSION = "2"  # of what a scan finds


@dataclass
class ShardPart:
    """A shard's pictures, or up to `MOST` of a larger shard's.

    Attributes:
        name: the shard's name without its ending; a larger shard's further parts end in "-1", "-2" and so on.
        home: the folder whose logs hold its annotations.
        start: the number of pictures of the set before it.
        entries: the pictures, without annotations.
    """

    name: str
    home: Path
    start: int
    entries: list[CatalogueEntry] = field(default_factory=list)
    report: CatalogueReport = field(default_factory=CatalogueReport)


@dataclass(frozen=True)
class ShardSet:
    """The shards of one place.

    Attributes:
        home: the folder of the set's own annotations (its opt-out rules); those of a part lie in a folder in it.
        shards: the shards in the order of their names or of the manifest.
        report: what is wrong with the set as a whole.
    """

    store: Store
    home: Path
    shards: Sequence[ShardFile]
    report: CatalogueReport
    has_manifest: bool

    @property
    def pictures(self) -> int:
        """The number of pictures that the shards are said to hold."""
        return sum(shard.pictures for shard in self.shards)

    @classmethod
    def open(cls, place: str | Path, on_progress: Callable[[int, int], None] | None = None) -> "ShardSet":
        """Opens the shards in a folder or at an address, by their manifest or by their own names.

        Without a manifest each shard is read once from beginning to end, which `on_progress` is told as (shards done,
        total); what is found is kept in the user's cache until the shard changes.

        Raises:
            UsageError, MissingPart: the address or its packages cannot be used, or pyarrow is not installed.
            ImpastoError: there is no shard, or shards or manifest cannot be read.
        """
        store, report = store_of(address_of(place) or Path(place).resolve()), CatalogueReport()
        try:
            there = {file.name: file for file in store.files()}
        except OSError as error:
            raise ImpastoError(f"{store.place} cannot be read: {error.strerror}") from None
        found = cls(store, home_of(place), [], report, MANIFEST in there)
        tars = [file for name, file in there.items() if name.endswith(_SHARD)]
        if found.has_manifest:
            shards = found._manifest().shards
            _compare(shards, there, report)
        else:
            shards = []
            for number, file in enumerate(tars, 1):
                shards.append(ShardFile(file.name, file.size, found._scanned(file).pictures))
                if on_progress is not None:
                    on_progress(number, len(tars))
        report.notes += (
            f"{name}: compressed shards are not read: unpack it to .tar"
            for name in there
            if name.endswith((".tar.gz", ".tgz", ".tar.zst", ".tar.xz"))
        )
        if not shards:
            raise ImpastoError(f"{store.place} holds no shard (*.tar)")
        return cls(store, found.home, shards, report, found.has_manifest)

    def parts(self) -> Iterator[ShardPart]:
        """Yields the parts in order.

        Raises:
            ImpastoError: manifest or shards cannot be read any more.
        """
        sizes = self._sizes()
        part: ShardPart | None = None
        shard, number, start = "", 0, 0
        for row, told in self._rows():
            if part is None or row is None or row.place.shard != shard or len(part.entries) >= MOST:
                if part is not None:
                    start += len(part.entries)
                    yield part
                following = row is not None and row.place.shard == shard
                shard, number = (told[2] if row is None else row.place.shard), number + 1 if following else 0
                name = shard.removesuffix(_SHARD) + (f"-{number}" if number else "")
                part = ShardPart(name, self.home / name, start)
            if row is None:
                part.report.skipped += [Skipped(*one) for one in told[0]]
                part.report.warnings += [Skipped(*one) for one in told[1]]
                continue
            size = sizes.get(shard)
            if size is None:
                continue  # the set's report names the shard
            if row.place.offset + row.place.size > size:
                part.report.skipped.append(Skipped(row.file_name, f"lies beyond the end of {shard}, which is cut off"))
                continue
            entry = row.entry(part.report)
            if entry is not None:
                part.entries.append(entry)
        if part is not None:
            yield part

    def _rows(self) -> Iterator[tuple[ManifestRow | None, tuple]]:
        """Yields (row, ()), and for each scanned shard first (None, (problems, remarks, shard))."""
        if self.has_manifest:
            for row in self._manifest().rows():
                yield row, ()
            return
        for shard in self.shards:
            file = self.store.find(shard.name)
            if file is None:
                yield None, ([(shard.name, "the shard is no longer there")], [], shard.name)
                continue
            scanned = self._scanned(file)
            yield None, (scanned.problems, scanned.remarks, shard.name)
            for row in scanned.rows():
                yield row, ()

    def _manifest(self) -> Manifest:
        try:
            return Manifest(self.store.open(MANIFEST), f"{self.store.place}/{MANIFEST}", self.store.place)
        except OSError as error:
            raise ImpastoError(f"{self.store.place}/{MANIFEST} cannot be read: {error.strerror}") from None

    def _sizes(self) -> dict[str, int]:
        try:
            return {file.name: file.size for file in self.store.files()}
        except OSError as error:
            raise ImpastoError(f"{self.store.place} cannot be read: {error.strerror}") from None

    def _scanned(self, file: StoredFile) -> Manifest:
        """Returns the manifest of one shard, which is scanned if it is new or has changed."""
        place = self.store.place
        key = sha256(f"{_VERSION}/{place}/{file.name}/{file.size}/{file.stamp}".encode()).hexdigest()
        known = cache_folder() / "shard-scans" / f"{key}.parquet"
        try:
            return Manifest(known.open("rb"), str(known), place)
        except (OSError, ImpastoError):  # not there yet, or damaged
            pass
        try:
            with self.store.open(file.name) as opened:
                scanned = scan_shard(opened, file, place)
        except OSError as error:
            raise ImpastoError(f"{place}/{file.name} cannot be read: {error.strerror}") from None
        try:
            known.parent.mkdir(parents=True, exist_ok=True)
            with written_atomically(known) as target, ManifestWriter(target) as writer:
                for row in scanned.rows:
                    writer.add(row)
                listed = [ShardFile(file.name, file.size, len(scanned.rows))]
                writer.finish(listed, scanned.problems, scanned.remarks)
            return Manifest(known.open("rb"), str(known), place)
        except OSError as error:
            raise ImpastoError(f"{known} cannot be written: {error.strerror}") from None


def is_shard_set(place: str | Path) -> bool:
    """Returns whether a place is read as tar shards: an address, or a folder of them without pictures or metadata."""
    if address_of(place) is not None:
        return True
    folder = Path(place)
    if not folder.is_dir():
        return False
    if (folder / MANIFEST).is_file():
        return True
    if any((folder / name).exists() for name in METADATA):
        return False
    names = [item for item in folder.iterdir() if not item.name.startswith(".")]
    if any(item.is_dir() and not item.name.endswith(OVERLAY) for item in names):
        return False
    return any(item.name.endswith(_SHARD) for item in names) and not any(is_picture(item.name) for item in names)


def _compare(shards: Sequence[ShardFile], there: dict[str, StoredFile], report: CatalogueReport) -> None:
    """Tells which shards of a manifest are missing or have another size, and which it does not name."""
    for shard in shards:
        file = there.get(shard.name)
        if file is None:
            report.skipped.append(Skipped(shard.name, f"there is no such shard: its {shard.pictures} pictures are not used"))
        elif file.size != shard.size:
            report.notes.append(
                f"{shard.name} has {file.size} bytes, not the manifest's {shard.size}: of its pictures only those with "
                "the manifest's bytes are used"
            )
    named = {shard.name for shard in shards}
    others = [name for name in there if name.endswith(_SHARD) and name not in named]
    if others:
        report.notes.append(f"shards that the manifest does not name are not used: {len(others)} ({', '.join(others[:3])})")

"""Exports tar shards in WebDataset's layout with a Parquet manifest, into a folder or an object store."""

import hashlib
import tarfile
import tempfile
from collections.abc import Callable
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from impasto.data.exporting.rows import ExportRows
from impasto.data.exporting.webdataset import add_sample
from impasto.data.shards.manifest import MANIFEST, ManifestWriter, ShardFile
from impasto.data.shards.member import MemberPlace
from impasto.data.shards.rows import ManifestRow
from impasto.data.shards.scan import picture_size
from impasto.errors import ImpastoError, UsageError
from impasto.stores.store import Store

_BLOCK = 1 << 20


def check_store(store: Store) -> None:
    """Checks that no finished set of shards is in the place. Nothing there is ever replaced.

    Raises:
        UsageError: there is one.
        ImpastoError: the place cannot be used.
    """
    try:
        if store.find(MANIFEST) is not None:
            raise UsageError(f"--out {store.place} holds shards already, and nothing in a store is replaced: choose another")
    except OSError as error:
        raise ImpastoError(f"{store.place} cannot be used: {error.strerror}") from None


def write_shards(
    rows: ExportRows,
    store: Store,
    *,
    shard_size: int,
    on_progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Writes `000000.tar` and so on, `shard_size` pictures each, then `manifest.parquet`; returns the number of pictures.

    A sample consists of KEY.jpg (or the suffix of the picture's real format), KEY.txt (the caption) and KEY.json (all
    columns). The same catalogue gives the same bytes, so that an export which was killed is repeated to the same place:
    shards that are there already are compared and left. One shard at a time lies in a temporary folder. `on_progress` is
    called with the number of pictures done.

    Raises:
        MissingPart: pyarrow is not installed.
        ImpastoError: the store holds a file of such a name with other bytes, or cannot be written.
    """
    pictures = rows.with_bytes()
    shards: list[ShardFile] = []
    count = with_others = 0
    with tempfile.TemporaryDirectory(prefix="impasto-shards-") as folder, (Path(folder) / MANIFEST).open("w+b") as listed:
        with ManifestWriter(listed) as manifest:
            while head := list(islice(pictures, 1)):
                name = f"{len(shards):06}.tar"
                file, begun = Path(folder) / name, count
                with tarfile.open(file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                    for row, data in chain(head, islice(pictures, shard_size - 1)):
                        member, offset = add_sample(tar, row, data, f"{count:08}")
                        # The bytes that are written, which may be others than those that were hashed before.
                        content = hashlib.sha256(data).hexdigest()
                        place = MemberPlace(store.place, name, offset, len(data), content, *picture_size(data))
                        manifest.add(ManifestRow(member, place, row.name, row.columns()))
                        count += 1
                        with_others += bool(row.entry.conditions)
                        on_progress(count)
                _put(store, name, file)
                shards.append(ShardFile(name, file.stat().st_size, count - begun))
                file.unlink()
            manifest.finish(shards)
        listed.flush()
        _put(store, MANIFEST, Path(folder) / MANIFEST)
    if with_others:
        said = f"{with_others} pictures have others that belong to them (conditions): shards hold only the works"
        rows.report.notes.append(said)
    return count


def _put(store: Store, name: str, file: Path) -> None:
    try:
        if store.put_if_absent(name, file):
            return
        with store.open(name) as there, file.open("rb") as here:
            same = _digest(there) == _digest(here)
    except OSError as error:
        raise ImpastoError(f"{store.place}/{name} cannot be written: {error.strerror}") from None
    if not same:
        raise ImpastoError(
            f"{store.place}/{name} is there with other bytes, and nothing in a store is replaced: choose an empty place"
        )


def _digest(file: BinaryIO) -> bytes:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.digest()

"""Scans a tar shard in WebDataset's layout: the files of a sample share a key and follow one another.

A key is a file's path up to the first dot of its last part. What is not used is told with a reason: broken and missing
members, keys that come twice, names that leave the shard, links, and a shard that is cut off.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from PIL import Image

from impasto.data.catalogue.columns import with_catalogue_columns
from impasto.data.catalogue.endings import CAPTION_ENDINGS, TAG_ENDINGS, is_picture
from impasto.data.catalogue.entry import CatalogueReport
from impasto.data.catalogue.entry_of_row import entry_of_row
from impasto.data.catalogue.pictures import FORMATS
from impasto.data.catalogue.sidecars import MAX_SIDECAR_BYTES, read_beside
from impasto.data.shards.member import MemberPlace
from impasto.data.shards.rows import ManifestRow, leaves, row_of_entry
from impasto.stores.store import StoredFile

MAX_MEMBER_BYTES = 1 << 29
_BESIDE = (*CAPTION_ENDINGS, *TAG_ENDINGS, ".json")
_ON_THE_SIDE = frozenset({5, 6, 7, 8})  # of EXIF's orientation
_ORIENTATION = 0x0112
_END = bytes(512)
_LOST = "what came after it is lost, too; without a manifest the number is not known"
_CUT_OFF = f"the shard is cut off inside it: {_LOST}"


@dataclass
class ScannedShard:
    """The samples of a shard; (file or key, reason) of lost pictures (`problems`) and of lesser matters (`remarks`)."""

    rows: list[ManifestRow] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class _Sample:
    key: str
    member: str = ""
    place: MemberPlace | None = None
    texts: dict[str, bytes] = field(default_factory=dict)


def scan_shard(file: BinaryIO, shard: StoredFile, store: str) -> ScannedShard:
    """Reads a shard once, from its beginning to its end, and hashes its pictures.

    The pictures' names in the catalogue are SHARD/MEMBER, with the shard's name without ".tar". In shards of our own export
    they are those of the manifest, which stand in each picture's metadata beside its hash: annotations go by them.

    Raises:
        OSError: the shard cannot be read.
    """
    found = ScannedShard()
    stem = shard.name.removesuffix(".tar")
    seen: set[str] = set()
    for sample in _samples(file, shard, store, found):
        if sample.key in seen:
            found.problems.append((f"{shard.name}/{sample.key}", "the shard holds this key twice: the first is used"))
            continue
        seen.add(sample.key)
        if sample.place is None:
            found.problems.append((f"{shard.name}/{sample.key}", "the sample has no picture"))
            continue
        beside = read_beside(sorted(sample.texts, key=lambda name: name.endswith(".json")), sample.texts.__getitem__)
        found.remarks += ((f"{shard.name}/{sample.key}", remark) for remark in beside.remarks)
        name, told = _own_name(sample, sample.place) or f"{stem}/{sample.member}", CatalogueReport()
        entry = entry_of_row(name, Path(name), with_catalogue_columns(beside.row), told)
        found.remarks += ((f"{shard.name}/{sample.key}", warning.reason) for warning in told.warnings)
        found.rows.append(ManifestRow(sample.member, sample.place, name, row_of_entry(entry)))
    return found


def _own_name(sample: "_Sample", place: MemberPlace) -> str:
    """Returns the name under which our own export knew this very picture; "" in shards of others."""
    try:
        row = json.loads(sample.texts.get(f"{sample.key}.json", b"null"))
    except ValueError:
        return ""
    name = row.get("file_name") if isinstance(row, dict) and row.get("content") == place.content else None
    return name if isinstance(name, str) and not leaves(name) else ""


def _samples(file: BinaryIO, shard: StoredFile, store: str, found: ScannedShard) -> Iterator[_Sample]:
    current: _Sample | None = None
    for member, data in _members(file, shard, found):
        path = PurePosixPath(member.name)
        key = str(path.with_name(path.name.partition(".")[0])) if path.name.partition(".")[0] else str(path)
        if current is None or key != current.key:
            if current is not None:
                yield current
            current = _Sample(key)
        name = member.name
        if is_picture(name):
            if current.place is not None:
                found.remarks.append((f"{shard.name}/{name}", f"a further picture of its sample: {current.member} is used"))
            elif data is None:
                found.problems.append((f"{shard.name}/{name}", f"larger than {MAX_MEMBER_BYTES >> 20} MiB"))
            else:
                current.member = name
                width, height = picture_size(data)
                content = hashlib.sha256(data).hexdigest()
                current.place = MemberPlace(store, shard.name, member.offset_data, member.size, content, width, height)
        elif name.lower().endswith(_BESIDE) and data is not None and len(data) <= MAX_SIDECAR_BYTES:
            current.texts[name] = data
        else:
            found.remarks.append((f"{shard.name}/{name}", "neither a picture nor a caption or metadata: not used"))
    if current is not None:
        yield current


def _members(file: BinaryIO, shard: StoredFile, found: ScannedShard) -> Iterator[tuple[tarfile.TarInfo, bytes | None]]:
    """Yields the regular members with their bytes (None for what is too large); a shard that is cut off ends early."""
    try:
        tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115 - its file is the caller's
    except (tarfile.TarError, EOFError) as error:
        found.problems.append((shard.name, f"not a tar file that can be read ({_line(error)}): its pictures are lost"))
        return
    while True:
        try:
            member = tar.next()
        except (tarfile.TarError, EOFError) as error:
            found.problems.append((shard.name, f"cut off or damaged after {tar.offset} bytes ({_line(error)}): {_LOST}"))
            return
        if member is None:
            break
        tar.members = []  # pyright: ignore[reportAttributeAccessIssue] - tarfile keeps them all
        name = member.name.removeprefix("./")
        if member.isdir():
            continue
        if not member.isreg():
            found.problems.append((f"{shard.name}/{name[:200]}", "a link or device, which is not followed"))
        elif leaves(name):
            found.problems.append((f"{shard.name}/{name[:200]}", "a name that leaves the shard: not used"))
        elif member.offset_data + member.size > shard.size:
            found.problems.append((f"{shard.name}/{name}", _CUT_OFF))
            return
        else:
            member.name = name
            yield member, _bytes_of(tar, member)
    file.seek(max(0, tar.offset))
    if file.read(512) != _END and shard.size % 512 == 0 and tar.offset >= shard.size:
        found.problems.append((shard.name, "it has no end mark: it may be cut off, and pictures after its end are lost"))


def _bytes_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | None:
    if member.size > MAX_MEMBER_BYTES:
        return None
    opened = tar.extractfile(member)
    return b"" if opened is None else opened.read()


def picture_size(data: bytes) -> tuple[int, int]:
    """Returns the upright size of a picture by its header, or (0, 0)."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            width, height = opened.size
            return (height, width) if opened.getexif().get(_ORIENTATION) in _ON_THE_SIDE else (width, height)
    except Exception:  # decoders raise nearly anything on broken files
        return 0, 0


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

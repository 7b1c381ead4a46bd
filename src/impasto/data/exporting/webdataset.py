"""Exports the WebDataset layout: tar shards in which the files of one sample share a key and are adjacent."""

import io
import json
import os
import tarfile
from collections.abc import Callable
from itertools import chain, islice
from itertools import count as count_from
from pathlib import Path

from PIL import Image

from impasto.data.catalogue.endings import format_suffix
from impasto.data.catalogue.pictures import FORMATS
from impasto.data.exporting.rows import ExportRow, ExportRows


def write_webdataset(
    rows: ExportRows, folder: Path, *, shard_size: int, on_progress: Callable[[int], None] = lambda done: None
) -> int:
    """Writes `folder/000000.tar` and so on, `shard_size` pictures each, and returns the number of samples.

    A sample consists of KEY.jpg (or the suffix of the picture's real format), KEY.txt (the caption) and KEY.json (all
    columns). The same catalogue gives the same bytes. `on_progress` is called with the number of samples done.

    Raises:
        OSError: the folder cannot be written.
    """
    pictures = rows.with_bytes()
    count = 0
    for shard in count_from(0):
        head = list(islice(pictures, 1))
        if not head:
            return count
        with (folder / f"{shard:06}.tar").open("wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for row, data in chain(head, islice(pictures, shard_size - 1)):
                    add_sample(tar, row, data, f"{count:08}")  # digits only: a key ends at its first dot
                    count += 1
                    on_progress(count)
            file.flush()
            os.fsync(file.fileno())
    return count


def add_sample(tar: tarfile.TarFile, row: ExportRow, data: bytes, key: str) -> tuple[str, int]:
    """Adds the picture, its caption and its columns to a tar, and returns the picture's name in it and its bytes' offset."""
    described = json.dumps(row.columns(), ensure_ascii=False).encode("utf-8", "replace")
    name = f"{key}.{_suffix(data)}"
    _add(tar, name, data)
    offset = tar.offset - -(-len(data) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    _add(tar, f"{key}.txt", row.entry.caption.encode("utf-8", "replace"))
    _add(tar, f"{key}.json", described)
    return name, offset


def _suffix(data: bytes) -> str:
    """Returns the suffix of the picture's real format, whatever its file name: readers choose the decoder by the suffix."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            return format_suffix(opened.format).removeprefix(".") or "bin"
    except Exception:  # decoders raise nearly anything on broken files
        return "bin"


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)  # no owner, and the time 0 (1970)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
    tar.members = []  # pyright: ignore[reportAttributeAccessIssue] - tarfile keeps them all

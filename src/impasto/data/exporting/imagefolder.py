"""Exports Hugging Face's imagefolder layout: the pictures, and `metadata.jsonl` with metadata and annotations merged."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from impasto.data.catalogue.entry import Skipped
from impasto.data.exporting.rows import ExportRows
from impasto.data.exporting.target import write_synced
from impasto.data.shards.member import ShardMember


def write_imagefolder(
    rows: ExportRows, folder: Path, *, copy: bool = False, on_progress: Callable[[int], None] = lambda done: None
) -> int:
    """Writes pictures (hard links if the disk supports them, else copies) and metadata, and returns the number of rows.

    `datasets.load_dataset("imagefolder", data_dir=...)` and `read_catalogue` can read the folder. `on_progress` is called
    with the number of pictures done.

    Raises:
        OSError: the folder cannot be written.
    """
    count = 0
    with (folder / "metadata.jsonl").open("w", encoding="utf-8", errors="replace", newline="") as metadata:
        for row in rows:
            target = folder / row.name
            if target.exists():
                rows.report.skipped.append(Skipped(row.name, "a second picture of this name: the first is written"))
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                _place(row.entry.file.resolve(), target, copy)
            except FileNotFoundError:
                rows.report.skipped.append(Skipped(row.name, "there is no such file any more"))
                continue
            except OSError as error:
                if not isinstance(row.entry.file, ShardMember):
                    raise
                rows.report.skipped.append(Skipped(row.name, f"cannot be read: {error.strerror}"))
                continue
            metadata.write(json.dumps(row.columns(), ensure_ascii=False) + "\n")
            count += 1
            on_progress(count)
        metadata.flush()
        os.fsync(metadata.fileno())
    return count


def _place(source: Path, target: Path, copy: bool) -> None:
    if isinstance(source, ShardMember):
        write_synced(target, source.read_bytes())
        return
    if not copy:
        try:
            target.hardlink_to(source)
            return
        except FileNotFoundError:
            raise
        except OSError:  # another disk, or one without hard links
            pass
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())

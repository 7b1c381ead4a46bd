"""Folders, lists and parquet files to import from, drawn by code."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from impasto.data.catalogue.read import read_catalogue
from impasto.data.importing.folder import FolderSource
from impasto.data.importing.importer import ImportChoices, ImportSummary, import_pictures
from impasto.data.importing.source import Source


def draw_scene(seed: int, width: int = 96, height: int = 72) -> Image.Image:
    """Coarse patches of colour, enlarged: no two seeds look alike, and a scene looks the same at any size."""
    patches = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    return Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC)


def one_process(source: Source, catalogue: Path, **choices: Any) -> ImportSummary:
    """Imports in this process."""
    return import_pictures(source, catalogue, ImportChoices(workers=1, **choices))


def import_folder(folder: Path, catalogue: Path, **choices: Any) -> ImportSummary:
    """Imports a folder in this process."""
    return one_process(FolderSource(folder, leave_out=catalogue), catalogue, **choices)


def rows_of(catalogue: Path) -> dict[str, dict[str, Any]]:
    """The catalogue's rows by file name."""
    return {row["file_name"]: row for row in lines_of(catalogue / "metadata.jsonl")}


def report_of(catalogue: Path) -> dict[str, tuple[str, str]]:
    """(decision, reason) by picture."""
    lines = lines_of(catalogue / "import-report.jsonl")
    return {row["picture"]: (row["decision"], row["reason"]) for row in lines}


def lines_of(file: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON objects."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def write_lists(folder: Path, listed: dict[str, tuple[str, str]]) -> None:
    """ArtGAN's lists: file -> (style, genre); all in `train`, as the originals are packed."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, kind in enumerate(("style", "genre")):
        classes = sorted({both[place] for both in listed.values()})
        (folder / f"{kind}_class.txt").write_text("\n".join(f"{n} {name}" for n, name in enumerate(classes)), "utf-8")
        rows = "".join(f"{name},{classes.index(both[place])}\n" for name, both in listed.items())
        (folder / f"{kind}_train.csv.gz").write_bytes(gzip.compress(rows.encode("utf-8")))


def write_parquet(file: Path, seeds: range, names: dict[str, list[str]], rows_per_group: int = 4) -> None:
    """A file as the hub has it: pictures' bytes and class ids, whose names are in the schema."""
    import pyarrow
    from pyarrow import parquet

    file.parent.mkdir(parents=True, exist_ok=True)
    pictures = []
    for seed in seeds:
        encoded = io.BytesIO()
        draw_scene(seed).save(encoded, "JPEG")
        pictures.append({"bytes": encoded.getvalue(), "path": None})
    columns: dict[str, list[Any]] = {"image": pictures}
    columns |= {column: [seed % len(classes) for seed in seeds] for column, classes in names.items()}
    features = {column: {"names": classes, "_type": "ClassLabel"} for column, classes in names.items()}
    about = {"huggingface": json.dumps({"info": {"features": {"image": {"_type": "Image"}, **features}}})}
    table = pyarrow.table(columns).replace_schema_metadata(about)
    parquet.write_table(table, file, row_group_size=rows_per_group)


def put(folder: Path, *names: str, first: int = 0) -> Path:
    """Draws a different picture under each name."""
    for seed, name in enumerate(names, first):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        draw_scene(seed).save(folder / name)
    return folder


def encoded(seed: int, kind: str = "JPEG") -> bytes:
    data = io.BytesIO()
    draw_scene(seed).save(data, kind)
    return data.getvalue()


def write(file: Path, text: str | bytes, encoding: str = "utf-8") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))


def imported(source: Path, catalogue: Path) -> tuple[dict[str, dict[str, Any]], str]:
    """Imports and returns (rows by name, notes)."""
    summary = import_pictures(FolderSource(source, leave_out=catalogue), catalogue, ImportChoices(workers=1))
    return rows_of(catalogue), "\n".join(summary.notes)


def read(folder: Path) -> tuple[dict[str, Any], str]:
    """Reads a folder as training does, and returns (entries by name, notes)."""
    found = read_catalogue(folder, check_images=False)
    return {entry.file_name: entry for entry in found.entries}, "\n".join(found.report.notes)

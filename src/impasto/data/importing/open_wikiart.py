"""Opens a copy of WikiArt as an import source; detects whether it is the archive's tree, has lists, or is Parquet."""

from pathlib import Path
from typing import Literal

from impasto.data.importing.parquet import ParquetSource, parquet_files
from impasto.data.importing.source import Source
from impasto.data.importing.wikiart import WikiArtLists, WikiArtSource, find_lists
from impasto.errors import UsageError

Shape = Literal["auto", "tree", "lists", "parquet"]


def open_wikiart(place: Path, lists: Path | None = None, shape: Shape = "auto", leave_out: Path | None = None) -> Source:
    """Opens WikiArt in `place`: the archive's tree, the tree with ArtGAN's lists, or Parquet files.

    Args:
        lists: folder of the lists; by default they are looked for in `place` and directly below it.
        leave_out: a folder inside `place` that is skipped.

    Raises:
        UsageError: the folder does not have that shape.
        MissingPart: the shape is parquet and pyarrow is not installed.
        ImpastoError: the lists cannot be read.
    """
    files = parquet_files(place)
    if shape == "auto":
        shape = "parquet" if files else "lists" if lists or find_lists(place) else "tree"
    if shape == "parquet":
        if not files:
            raise UsageError(f"{place} holds no .parquet file")
        return ParquetSource(place)
    if not place.is_dir():
        raise UsageError(f"{place} is not a folder")
    if shape == "tree":
        return WikiArtSource(place, leave_out=leave_out)
    found = find_lists(lists or place)
    if found is None:
        raise UsageError(f"{lists or place} holds none of ArtGAN's lists (style_train.csv ...)")
    return WikiArtSource(place, WikiArtLists.read(found), leave_out)

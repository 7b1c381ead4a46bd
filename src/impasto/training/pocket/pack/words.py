"""Reads and writes the text data of pictures as compressed JSON lines."""

import json
import lzma
from collections.abc import Sequence
from pathlib import Path

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.training.pocket.texts import PictureWords

_FIELDS = ("file_name", "artist", "title", "style", "genre", "year")


def words_to_bytes(words: Sequence[PictureWords]) -> bytes:
    """Compresses the text data; probabilities of tags are rounded to 0.01."""
    lines = []
    for word in words:
        row = {name: getattr(word.entry, name) for name in _FIELDS if getattr(word.entry, name)}
        row |= {"caption": word.caption, "tags": [[name, round(p, 2)] for name, p in word.tags]}
        lines.append(json.dumps(row, ensure_ascii=False, separators=(",", ":")))
    return lzma.compress("\n".join(lines).encode())


def words_from_bytes(data: bytes) -> list[PictureWords]:
    """Restores the text data that `words_to_bytes` compressed; the paths of the picture files are lost."""
    found = []
    for line in lzma.decompress(data).decode().splitlines():
        row = json.loads(line)
        entry = CatalogueEntry(file=Path(row["file_name"]), **{name: row[name] for name in _FIELDS if name in row})
        found.append(PictureWords(entry, row["caption"], tuple((name, p) for name, p in row["tags"])))
    return found

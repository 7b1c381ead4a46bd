"""What lies beside the weights: whom the checkpoint saw, and under which licence it may be used."""

from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError
from impasto.weights.header import read_json


def read_artists(folder: Path) -> list[dict[str, Any]]:
    """`{"name": str, "works": int}` for each in `artists.json`, most works first; [] where there is none.

    Raises:
        ImpastoError: the file is there and holds something else.
    """
    file = folder / "artists.json"
    if not file.is_file():
        return []
    artists = []
    for row in read_json(file, list):
        if not isinstance(row, dict) or not isinstance(row.get("name"), str):
            raise ImpastoError(f'{file} must hold rows like {{"name": "Claude Monet", "works": 86}}')
        works = row.get("works", 0)
        artists.append({"name": row["name"], "works": works if isinstance(works, int) else 0})
    return sorted(artists, key=lambda artist: (-artist["works"], artist["name"]))


def read_license(folder: Path) -> str:
    """The `license:` of the front matter of the folder's README.md, or ""."""
    try:
        lines = (folder / "README.md").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    if lines[:1] != ["---"]:
        return ""
    for line in lines[1:100]:
        if line.strip() == "---":
            break
        key, _, value = line.partition(":")
        if key.strip() == "license":
            return value.strip().strip("\"'")
    return ""

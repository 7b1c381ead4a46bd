"""Reads the metadata beside a checkpoint's weights: the artists it was trained on, and its licence."""

from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError
from impasto.weights.header import read_json


def read_artists(folder: Path) -> list[dict[str, Any]]:
    """Returns `{"name": str, "works": int}` for each artist in `artists.json`, most works first; [] without that file.

    A row also has the years "born" and "died", if they are known.

    Raises:
        ImpastoError: the file exists and holds something else.
    """
    file = folder / "artists.json"
    if not file.is_file():
        return []
    artists = []
    for row in read_json(file, list):
        if not isinstance(row, dict) or not isinstance(row.get("name"), str):
            raise ImpastoError(f'{file} must hold rows like {{"name": "Claude Monet", "works": 86}}')
        works = row.get("works", 0)
        years = {key: row[key] for key in ("born", "died") if isinstance(row.get(key), int)}
        artists.append({"name": row["name"], "works": works if isinstance(works, int) else 0, **years})
    return sorted(artists, key=lambda artist: (-artist["works"], artist["name"]))


def read_license(folder: Path) -> str:
    """Returns the `license:` in the front matter of the folder's README.md, or ""."""
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

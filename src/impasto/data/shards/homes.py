"""Where the annotations of a set of shards are kept: beside the shards, which are never changed.

A set is worked on part by part, and each part has a folder HOME/PART whose logs are those of a small catalogue
(`annotations/tags.jsonl` and so on). HOME is

- `FOLDER/shards.overlay`, if the shards lie in a folder that can be written;
- else `FOLDER.overlay` beside it, if that is there or can be made;
- else, and for an address such as `s3://bucket/folder`, `annotations/NAME.overlay` in the user's workspace
  (`$IMPASTO_WORKSPACE`).
"""

import hashlib
import os
import re
from pathlib import Path

from impasto.stores.place import address_of
from impasto.workspace import usual_workspace

OVERLAY = ".overlay"


def home_of(place: str | Path) -> Path:
    """Returns the folder of the annotations of the shards in `place`. It need not exist."""
    address = address_of(place)
    if address is not None:
        return _in_workspace(address)
    folder = Path(place).resolve()
    inside, beside = folder / f"shards{OVERLAY}", folder.with_name(f"{folder.name}{OVERLAY}")
    if inside.is_dir() or os.access(folder, os.W_OK):
        return inside
    if beside.is_dir() or os.access(folder.parent, os.W_OK):
        return beside
    return _in_workspace(str(folder))


def is_home(folder: Path) -> bool:
    """Returns whether a folder is the home of a set of shards or of one of its parts."""
    return folder.name.endswith(OVERLAY) or folder.parent.name.endswith(OVERLAY)


def _in_workspace(place: str) -> Path:
    words = re.sub(r"[^A-Za-z0-9.-]+", "-", place).strip("-")[-60:]
    return usual_workspace() / "annotations" / f"{words}-{hashlib.sha256(place.encode()).hexdigest()[:12]}{OVERLAY}"

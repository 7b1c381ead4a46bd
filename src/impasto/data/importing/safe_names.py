"""Makes file names that are valid on every system and stay inside the catalogue."""

import re
import unicodedata
from pathlib import PurePosixPath

from impasto.data.catalogue.plain_text import cleaned

_LONGEST_PART = 150  # characters of a file's or folder's name; file systems end at 255 bytes
_FORBIDDEN = re.compile(r'[<>:"|?*\\]')  # in file names of other systems


def safe_name(name: str) -> str:
    """Returns the file name changed so that it is valid on every system and stays inside the catalogue."""
    parts = []
    for part in PurePosixPath(name).parts:
        part = _FORBIDDEN.sub("_", cleaned(unicodedata.normalize("NFC", part))).strip(" ")
        stem, dot, suffix = part.rpartition(".") if "." in part.strip(".") else (part, "", "")
        part = f"{stem[: _LONGEST_PART - len(suffix)].rstrip(' .')}{dot}{suffix[:10]}".lstrip(".")
        while len(part.encode("utf-8", "replace")) > 240:
            stem, dot, suffix = part.rpartition(".")
            part = f"{stem[:-8]}{dot}{suffix}"
        if part and part not in ("/", ".."):
            parts.append(part)
    return "/".join(parts) or "picture"

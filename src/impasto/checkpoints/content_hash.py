"""A checkpoint's content as one SHA-256, so that a painting can say which weights made it."""

import hashlib
import json
import os
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.settings import cache_folder

REMEMBERED_FROM = 64 << 20  # bytes: smaller files are hashed anew each time, in a tenth of a second
PARTS = ("unet", "vae", "scheduler", "text_encoder")
HASHED_SUFFIXES = (".safetensors", ".bin", ".json")
# Of sentence-transformers/all-MiniLM-L6-v2, in its package. A folder without text_encoder/ uses that one, and
# hashes as its export, which holds the same bytes.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_PART = {"text_encoder/model.safetensors": MINILM_SHA256}


def hash_files(files: dict[str, Path], extra: dict[str, str] | None = None) -> str:
    """SHA-256, hexadecimal, over names and bytes of `files` and over `extra` (name -> known SHA-256).

    Raises:
        ImpastoError: a file cannot be read.
    """
    parts = {name: hash_file(file) for name, file in files.items()} | (extra or {})
    digest = hashlib.sha256()
    for name in sorted(parts):
        digest.update(f"{name}\0{parts[name]}\n".encode())
    return digest.hexdigest()


def files_that_count(folder: Path) -> dict[str, Path]:
    """Relative name -> file: weights and configs of U-Net, VAE and schedule, and the text encoder's weights.

    The text encoder's config is left out: export writes it anew, as the transformers that is there does.
    """
    found = {}
    for part in PARTS:
        for file in sorted((folder / part).glob("*")):
            own_config = part == "text_encoder" and file.suffix == ".json"
            if file.is_file() and file.suffix in HASHED_SUFFIXES and not own_config:
                found[f"{part}/{file.name}"] = file
    return found


def hash_file(file: Path) -> str:
    """SHA-256 of a file; for large ones remembered in the cache by path, size and time of change.

    Raises:
        ImpastoError: the file cannot be read.
    """
    try:
        note = _note(file, file.stat())
        remembered = _recall(note)
        if remembered is not None:
            return remembered
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise ImpastoError(f"{file} cannot be read: {error.strerror}") from None
    if note is not None:
        _remember(note, found)
    return found


def _note(file: Path, state: os.stat_result) -> Path | None:
    if state.st_size < REMEMBERED_FROM:
        return None
    key = f"{file.resolve()}\0{state.st_size}\0{state.st_mtime_ns}"
    return cache_folder() / "hashes" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _recall(note: Path | None) -> str | None:
    try:
        remembered = json.loads(note.read_text("utf-8")) if note is not None else None
    except (OSError, ValueError):
        return None
    return remembered if isinstance(remembered, str) and len(remembered) == 64 else None


def _remember(note: Path, found: str) -> None:
    """A cache that cannot be written (a full disk, a read-only home) costs time, not the work."""
    temporary = note.with_suffix(f".{os.getpid()}.tmp")
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(found), "utf-8")
        temporary.replace(note)
    except OSError:
        temporary.unlink(missing_ok=True)

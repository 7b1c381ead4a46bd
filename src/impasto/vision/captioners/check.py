"""Checks captioners by their names and config.json, before anything is loaded."""

from pathlib import Path

from impasto.errors import ImpastoError
from impasto.vision.captioners.interface import HUB_NAMES
from impasto.vision.recognize_anything.files import find_file
from impasto.vision.recognize_anything.keys import TAG2TEXT
from impasto.weights.header import read_json
from impasto.weights.transformers_folder import find_local_folder
from impasto.weights.transformers_heads import CAPTIONS, check_head

POCKET = "pocket"


def check_captioner(name: str | Path | None) -> None:
    """Finds a captioner's files without loading them, so that a long job can check them first.

    A hub name that is not in the Hugging Face cache passes: it is downloaded when it is loaded.

    Raises:
        UsageError, MissingPart, ImpastoError: as `load_captioner`, as far as names and config.json tell it.
    """
    if name is None or str(name) == POCKET or _is_ours(Path(name)) or find_file(str(name), (TAG2TEXT,)) is not None:
        return
    folder = find_local_folder(str(name), HUB_NAMES, also=(POCKET, TAG2TEXT))
    if folder is not None:
        check_head(folder, CAPTIONS, "an image captioner")


def _is_ours(folder: Path) -> bool:
    """Whether a folder's config is not one of transformers, which always names a model's type."""
    try:
        return "model_type" not in read_json(folder / "config.json")
    except ImpastoError:
        return False

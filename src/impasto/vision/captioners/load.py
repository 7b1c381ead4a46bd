"""Loads captioners by name."""

from pathlib import Path

from impasto.errors import MissingPart
from impasto.vision.captioners.interface import Captioner


def load_captioner(name: str | Path | None = None) -> Captioner:
    """Loads the built-in captioner (`pocket`, or None), one by `impasto train pocket-captioner`, or a transformers model.

    Raises:
        UsageError, MissingPart, ImpastoError: there is no such captioner, it is incomplete, or a package is missing.
    """
    from impasto.vision.captioners.pocket import CONFIG, SHIPPED, PocketCaptioner, is_pocket_captioner

    if name is None or str(name) == "pocket":
        if not (SHIPPED / CONFIG).is_file():
            raise MissingPart(
                "no captioner comes with this version: `impasto train pocket-captioner` makes one, --captioner names one"
            )
        return PocketCaptioner(SHIPPED)
    if is_pocket_captioner(Path(name)):
        return PocketCaptioner(Path(name))
    from impasto.vision.captioners.transformers_models import TransformersCaptioner

    return TransformersCaptioner(str(name))

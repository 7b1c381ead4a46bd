"""Loads captioners by name."""

from pathlib import Path

from impasto.errors import MissingPart
from impasto.vision.captioners.interface import Captioner


def load_captioner(name: str | Path | None = None) -> Captioner:
    """Loads the built-in captioner (`pocket`, or None), one by `impasto train pocket-captioner`, or somebody else's.

    Somebody else's is Tag2Text (`tag2text`, or the path of the published file or of its folder), or a model in transformers'
    layout (`blip`, `git`, ..., a folder or hub name).

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
    from impasto.vision.recognize_anything.files import find_file
    from impasto.vision.recognize_anything.keys import TAG2TEXT

    file = find_file(str(name), (TAG2TEXT,))
    if file is not None:
        from impasto.vision.captioners.tag2text import Tag2TextCaptioner
        from impasto.vision.recognize_anything.model import load_recognize_anything

        return Tag2TextCaptioner(load_recognize_anything(file, texts=True))
    from impasto.vision.captioners.transformers_models import TransformersCaptioner

    return TransformersCaptioner(str(name))

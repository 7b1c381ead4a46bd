"""Loads taggers by name."""

from collections.abc import Sequence
from pathlib import Path

from impasto.errors import MissingPart
from impasto.vision.taggers.interface import EncodingTagger


def check_tagger(name: str | None = None) -> None:
    """Finds a tagger's files without loading them, so that a long job can check them first.

    A hub name that is not in the Hugging Face cache passes: it is downloaded when it is loaded.

    Raises:
        UsageError, MissingPart, ImpastoError: as `load_tagger`, as far as names and config.json tell it.
    """
    from impasto.vision.recognize_anything.files import find_file
    from impasto.vision.taggers.pocket import TAGS

    if name in (None, "pocket", "zero-shot") or (Path(name) / TAGS).is_file() or find_file(name) is not None:
        return
    from impasto.vision.taggers.transformers_models import check_classifier

    check_classifier(name)


def load_tagger(name: str | None = None) -> EncodingTagger:
    """Loads the built-in tagger (`pocket`, or None), one that `impasto train pocket-tagger` wrote, or somebody else's.

    Somebody else's is RAM, RAM++ or Tag2Text (`ram`, `ram++`, `tag2text`, or the path of the published file or of its
    folder), or an image classifier in transformers' layout (a folder or hub name).

    Raises:
        UsageError, MissingPart, ImpastoError: there is no such tagger, it is incomplete, or a package is missing.
    """
    from impasto.vision.taggers.pocket import SHIPPED, TAGS, PocketTagger

    if name is None or name == "pocket":
        if not (SHIPPED / TAGS).is_file():
            raise MissingPart("no tagger comes with this version: `impasto train pocket-tagger` makes one")
        return PocketTagger(SHIPPED)
    if (Path(name) / TAGS).is_file():
        return PocketTagger(Path(name))
    from impasto.vision.recognize_anything.files import find_file

    file = find_file(name)
    if file is not None:
        from impasto.vision.recognize_anything.model import load_recognize_anything
        from impasto.vision.taggers.recognize_anything import RecognizeAnythingTagger

        return RecognizeAnythingTagger(load_recognize_anything(file))
    from impasto.vision.taggers.transformers_models import TransformersTagger

    return TransformersTagger(name)


def zero_shot_tagger(tags: Sequence[str], scorer: str | Path | None = None) -> EncodingTagger:
    """Returns a tagger that compares pictures with these tags by a scorer (`load_scorer`).

    Raises:
        UsageError, MissingPart, ImpastoError: as `load_scorer`.
    """
    from impasto.vision.scorers.interface import load_scorer
    from impasto.vision.taggers.zero_shot import ZeroShotTagger

    return ZeroShotTagger(load_scorer(scorer), tags)

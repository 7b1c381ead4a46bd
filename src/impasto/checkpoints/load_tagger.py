"""Taggers by name."""

from pathlib import Path

from impasto.checkpoints.taggers import Tagger, TransformersTagger
from impasto.errors import MissingPart


def load_tagger(
    name: str | None = None, *, scorer: str | Path | None = None, vocabulary: Path | None = None
) -> Tagger:
    """The tagger that ships (`pocket`, or None), one that `impasto train pocket-tagger` wrote, one of transformers, or a
    scorer that compares pictures with tags (`zero-shot`, or None with `scorer` or `vocabulary`).

    Raises:
        UsageError, MissingPart, ImpastoError: there is no such tagger, scorer or vocabulary, it is not whole, or a package
            is missing.
    """
    from impasto.checkpoints.pocket_tagger import SHIPPED, TAGS, PocketTagger

    if name == "zero-shot" or (name is None and (scorer is not None or vocabulary is not None)):
        from impasto.checkpoints.text_image import load_scorer
        from impasto.checkpoints.zero_shot import ZeroShotTagger
        from impasto.data.tag_vocabulary import tag_vocabulary

        return ZeroShotTagger(load_scorer(scorer), [tag.name for tag in tag_vocabulary(vocabulary)])
    if name is None or name == "pocket":
        if not (SHIPPED / TAGS).is_file():
            raise MissingPart("no tagger comes with this version: `impasto train pocket-tagger` makes one")
        return PocketTagger(SHIPPED)
    if (Path(name) / TAGS).is_file():
        return PocketTagger(Path(name))
    return TransformersTagger(name)

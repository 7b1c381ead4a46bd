"""Checks a reproduction's models by their names and config.json before hours of work; loads nothing."""

from impasto.prompts.expansion.model_checks import check_models as check_expansion_models
from impasto.reproduction.parts import Parts
from impasto.vision.captioners.check import check_captioner
from impasto.vision.taggers.load import check_tagger


def check_models(parts: Parts) -> None:
    """Checks the tagger, the captioner and the models of the expansion.

    Models by a hub name that are not in the Hugging Face cache pass: they are downloaded when they are loaded.

    Raises:
        UsageError, MissingPart, ImpastoError: a model is not here, or is of another kind than is wanted.
    """
    check_tagger(parts.tagger)
    check_captioner(parts.captioner)
    check_expansion_models(parts.expansion.settings(), parts.expansion.method, parts.expansion.model)

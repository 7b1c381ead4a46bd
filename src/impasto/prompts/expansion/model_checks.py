"""Checks the language models of prompt expansion by their names and config.json, before anything is loaded.

A wrong folder is then told at once, not after the other models have been loaded.
"""

from pathlib import Path

from impasto.language.entity_labels import labels_of
from impasto.prompts.entities import check_labels
from impasto.prompts.expansion.models import check_text_model, find_kind, naming_option
from impasto.prompts.expansion.proposers.prompt_model import check_prompt_model
from impasto.prompts.expansion.settings import AUTO, MINILM, OFF, SMALL, SPACY, ExpansionSettings
from impasto.weights.transformers_heads import ENCODES_TEXT, LABELS_WORDS


def check_models(settings: ExpansionSettings, method: str, model: str | Path | None = None) -> None:
    """Checks the models that a method uses: those of `settings`, and for wang2023 the prompt model `model`.

    Models by a hub name that are not in the Hugging Face cache pass: they are downloaded when they are loaded.

    Raises:
        UsageError, MissingPart, ImpastoError: there is no such model, or it is of another kind; the message names the
            option.
    """
    if method == "wang2023":
        check_prompt_model(model if model is not None else settings.prompt_model)
    else:
        for role in ("continuation", "dialogue"):
            name = getattr(settings, role)
            if name not in (AUTO, SMALL, OFF):
                with naming_option(role):
                    check_text_model(name)
    if settings.encoder != MINILM:
        with naming_option("encoder"):
            find_kind(settings.encoder, ENCODES_TEXT, "an encoder of texts")
    if settings.ner != SPACY:
        with naming_option("ner"):
            folder = find_kind(settings.ner, LABELS_WORDS, "a token classifier for named entities")
            labels = None if folder is None else labels_of(folder.config)
            if folder is not None and labels is not None:
                check_labels(folder.name, labels)

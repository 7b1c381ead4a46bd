"""Tells from the config.json of a transformers model that it is of another kind than is wanted, before it is loaded.

`architectures` names the class that wrote the folder, such as ViTForImageClassification. Only what is surely wrong is
refused here: whether a model fits is decided when it is loaded.
"""

import re

from impasto.errors import ImpastoError
from impasto.weights.transformers_folder import TransformersFolder

WRITES_TEXT, ENCODES_TEXT, LABELS_WORDS, CAPTIONS = "writes text", "encodes text", "labels words", "captions pictures"

_CLASSIFIES = re.compile(
    r"For(?:[A-Za-z]*Classification|[A-Za-z]*QuestionAnswering|MultipleChoice|NextSentencePrediction|[A-Za-z]*Detection|"
    r"[A-Za-z]*Segmentation|DepthEstimation|MaskedImageModeling|[A-Za-z]*Retrieval|CTC)$"
)
_WITHOUT_HEAD = re.compile(r"(?<!Decoder)(?<!LMHead)Model$")
_SEES = ("vision_config", "image_size", "encoder", "vision_tower", "mm_vision_tower", "image_token_id", "image_token_index")
_READS = ("vocab_size", "text_config", "decoder", "language_config", "llm_config")


def check_head(folder: TransformersFolder, wanted: str, what: str) -> None:
    """Raises ImpastoError if the folder's model surely is not what is wanted.

    Args:
        wanted: one of the constants of this module.
        what: the wanted kind in words, for the message.
    """
    named = folder.config.get("architectures")
    heads = [str(name) for name in named] if isinstance(named, list) else []
    sees = any(folder.config.get(key) is not None for key in _SEES)
    reads = any(folder.config.get(key) is not None for key in _READS)
    if wanted == CAPTIONS:
        wrong = bool(heads) and all(
            _CLASSIFIES.search(head) or _WITHOUT_HEAD.search(head) or head.endswith("ForMaskedLM")
            or (not sees and head.endswith(("ForCausalLM", "LMHeadModel")))
            for head in heads
        )  # fmt: skip
    elif wanted == LABELS_WORDS:
        wrong = bool(heads) and not any(head.endswith("ForTokenClassification") for head in heads)
    else:
        wrong = sees and not reads and bool(heads)
        if wanted == WRITES_TEXT:
            wrong |= bool(heads) and all(_CLASSIFIES.search(head) for head in heads)
    if wrong:
        raise ImpastoError(
            f"{folder.path} holds a {folder.model_type!r} model, which is not {what}: its config.json names"
            f" {', '.join(heads)}"
        )

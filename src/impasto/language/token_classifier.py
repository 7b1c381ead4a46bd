"""Named entities by token classifiers of BERT's kind (BERT-NER in section 3 of wu2022)."""

from collections.abc import Sequence
from typing import Any

import torch

from impasto.errors import ImpastoError
from impasto.language.entity_labels import split_label
from impasto.language.find_model import reading_a_text
from impasto.weights.transformers_folder import (
    TransformersFolder,
    load_transformers_model,
    load_transformers_part,
    quietly,
)

_WHAT = "a token classifier for named entities"
_LONGEST = 512  # tokens


class TokenClassifier:
    """A token classifier that labels the words of a text.

    Attributes:
        name: the last part of its hub name, or its folder's name.
        labels: the names of its entities without their position, in upper case: LOC, PER, ...

    Raises:
        MissingPart, ImpastoError: the folder holds another kind of model, or is broken.
    """

    def __init__(self, folder: TransformersFolder) -> None:
        from transformers import AutoModelForTokenClassification, AutoTokenizer

        self.name = folder.name
        self._model = load_transformers_model(
            folder, AutoModelForTokenClassification, _WHAT, torch.device("cpu"), torch.float32
        )
        self._tokenizer: Any = load_transformers_part(folder, AutoTokenizer, _WHAT)
        if not self._tokenizer.is_fast:
            raise ImpastoError(f"{folder.path}: its tokenizer does not tell where words stand: it needs a tokenizer.json")
        config = self._model.config
        self._labels = [split_label(str(config.id2label.get(number, "O"))) for number in range(config.num_labels)]
        self.labels = tuple(sorted({name for _, name in self._labels} - {"O"}))
        # RoBERTa's first two positions are taken by padding.
        self._longest = min(_LONGEST, max(1, getattr(config, "max_position_embeddings", _LONGEST) - 2))

    def spans(self, texts: Sequence[str]) -> list[list[tuple[str, int, int]]]:
        """Returns for each text its entities: (name of the label, start, end), with `text[start:end]` the words.

        A word has the label of its first piece. Neighbours of one name are one entity, unless the second begins a new one.
        Words after the first 512 tokens are not read.
        """
        return [self._entities(text) if text.strip() else [] for text in texts]

    def _entities(self, text: str) -> list[tuple[str, int, int]]:
        given = self._tokenizer(
            text, return_tensors="pt", return_offsets_mapping=True, truncation=True, max_length=self._longest
        )
        offsets, words = given.pop("offset_mapping")[0].tolist(), given.word_ids(0)
        with torch.inference_mode(), quietly(), reading_a_text(self.name):
            best = self._model(**given).logits[0].argmax(dim=-1).tolist()
        found: list[tuple[str, int, int]] = []
        label, last_word, is_open = ("O", "O"), None, False
        for word, (start, end), number in zip(words, offsets, best, strict=True):
            if word is None or start == end:
                continue
            if word == last_word:  # a further piece of a word
                if is_open:
                    found[-1] = (found[-1][0], found[-1][1], end)
                continue
            before, label, last_word = label, self._labels[number], word
            place, name = label
            if name == "O":
                is_open = False
            elif is_open and before[1] == name and place != "B":
                found[-1] = (name, found[-1][1], end)
            else:
                found.append((name, start, end))
                is_open = True
        return [(name, *_trimmed(text, start, end)) for name, start, end in found]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Removes spaces and punctuation at both ends, which some tokenizers count to the word."""
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return start, end

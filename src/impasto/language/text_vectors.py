"""Sentence vectors by other people's encoders: T5's, which is e(.) in equation 20 of wu2022, or one of BERT's kind."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from impasto.language.find_model import reading_a_text
from impasto.weights.transformers_folder import (
    TransformersFolder,
    load_transformers_model,
    load_transformers_part,
    quietly,
)

_WHAT = "a text encoder"
_POOLER = r"(^|\.)pooler\."  # of no use for the states of tokens, and missing in many files
_LONGEST = 512  # tokens


class TextVectors:
    """The mean of a text's last hidden states, as a unit vector.

    Raises:
        MissingPart, ImpastoError: the folder holds another kind of model, or is broken.
    """

    def __init__(self, folder: TransformersFolder) -> None:
        from transformers import AutoModel, AutoModelForTextEncoding, AutoTokenizer
        from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES

        encodes = folder.model_type in MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES
        kind: Any = AutoModelForTextEncoding if encodes else AutoModel
        self.name = folder.name
        self._model = load_transformers_model(folder, kind, _WHAT, torch.device("cpu"), torch.float32, unused=_POOLER)
        self._tokenizer: Any = load_transformers_part(folder, AutoTokenizer, _WHAT)
        places = getattr(self._model.config, "max_position_embeddings", None)
        # RoBERTa's first two positions are taken by padding.
        self._longest = min(_LONGEST, places - 2) if isinstance(places, int) and places > 2 else _LONGEST

    def vectors(self, texts: Sequence[str], *, batch: int = 16) -> np.ndarray:
        """Returns unit vectors, float32 [n, width]. A text longer than 512 tokens, or than the model reads, is cut."""
        rows = self._tokenizer(list(texts), truncation=True, max_length=self._longest)["input_ids"]
        filler = self._tokenizer.pad_token_id or 0
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]))  # keeps padding in a batch low
        found: np.ndarray | None = None
        for start in range(0, len(rows), batch):
            places = order[start : start + batch]
            length = max(1, *(len(rows[place]) for place in places))
            ids = torch.full((len(places), length), filler)
            mask = torch.zeros(len(places), length, dtype=torch.long)
            for line, place in enumerate(places):
                ids[line, : len(rows[place])] = torch.tensor(rows[place], dtype=torch.long)
                mask[line, : len(rows[place])] = 1
            with torch.inference_mode(), quietly(), reading_a_text(self.name):
                states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            seen = mask[..., None].float()
            means = (states * seen).sum(dim=1) / seen.sum(dim=1).clamp(min=1.0)
            vectors = torch.nn.functional.normalize(means, dim=-1).numpy()
            found = np.zeros((len(rows), vectors.shape[1]), np.float32) if found is None else found
            found[places] = vectors
        return found if found is not None else np.zeros((0, 1), np.float32)

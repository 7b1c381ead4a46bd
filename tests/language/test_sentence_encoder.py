"""MiniLM computed by NumPy says what transformers' BERT says."""

import numpy as np
import pytest
import torch

from impasto.language.minilm import load_text_encoder
from impasto.language.sentence_encoder import sentence_encoder

TEXTS = ["a lighthouse at dusk", "", "Café Zürich, 1889 — 雪の朝", "boats " * 300, "a"]


def test_the_vectors_are_those_of_transformers_bert() -> None:
    encoder = load_text_encoder()
    wanted = []
    for text in TEXTS:
        tokens = encoder.tokenizer([text], truncation=True, max_length=128, return_tensors="pt")
        with torch.inference_mode():
            states = encoder.model(tokens.input_ids, attention_mask=tokens.attention_mask)[0][0]
        wanted.append(torch.nn.functional.normalize(states.mean(dim=0), dim=-1).numpy())
    np.testing.assert_allclose(sentence_encoder().vectors(TEXTS), np.stack(wanted), atol=2e-6)


def test_a_vector_does_not_depend_on_its_neighbours() -> None:
    together = sentence_encoder().vectors(TEXTS, batch=2)
    alone = np.concatenate([sentence_encoder().vectors([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=2e-6)
    assert sentence_encoder().vectors([]).shape == (0, 384)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_counted_with_their_two_marks(text: str) -> None:
    tokenizer = load_text_encoder().tokenizer
    assert sentence_encoder().count_tokens(text) == len(tokenizer(text, truncation=False)["input_ids"])

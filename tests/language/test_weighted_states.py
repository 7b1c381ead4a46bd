"""Weights change the states of their words, keep the states' size, and leave a text without weights as it is."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.painting.tiny_components import make_components

from impasto.checkpoints.components import Components
from impasto.language.weighted_states import rescaled, token_weights


@pytest.fixture(scope="module")
def components(tmp_path_factory: pytest.TempPathFactory) -> Components:
    return make_components(tmp_path_factory.mktemp("tiny"))


def test_all_weights_of_1_are_no_weights(components: Components) -> None:
    plain = components.encode_text(["red boats at sunset"])
    assert torch.equal(components.encode_weighted([[("red boats", 1.0), (" at sunset", 1.0)]]), plain)


def test_tokens_get_the_weight_of_their_words(components: Components) -> None:
    weights = token_weights(components.tokenizer, [("red ", 1.0), ("boats", 1.5), (" at sunset", 0.5)], 8)
    assert weights.tolist() == [1, 1, 1.5, 0.5, 0.5, 1, 1, 1]  # with the marks of start and end, and padding
    assert token_weights(components.tokenizer, [("red boats at", 2.0)], 4).tolist() == [1, 2, 2, 1]


def test_weighted_states_grow_and_keep_their_size(components: Components) -> None:
    plain = components.encode_text(["red boats at sunset"])
    heavy = components.encode_weighted([[("red ", 1.0), ("boats", 2.0), (" at sunset", 1.0)]])
    assert heavy.shape == plain.shape and torch.isfinite(heavy).all()
    ratio = heavy.norm(dim=-1) / plain.norm(dim=-1)
    assert torch.allclose(ratio[0, 2] / ratio[0, 1], torch.tensor(2.0), atol=1e-4)
    assert torch.allclose(heavy.square().mean(), plain.square().mean(), rtol=1e-4)


def test_a_sure_mean_is_restored_else_the_size() -> None:
    states = torch.randn(1, 5, 40, generator=torch.Generator().manual_seed(0))
    scaled = rescaled(1.5 * (states + 1), states + 1)
    assert torch.allclose(scaled, states + 1, atol=1e-5)
    centred = states - states.mean()
    weights = torch.tensor([1, 3.0, 1, 1, 1])[None, :, None]
    assert torch.allclose(rescaled(centred * weights, centred).square().mean(), centred.square().mean(), rtol=1e-5)
    mean = rescaled((states + 1) * weights, states + 1).mean()
    assert torch.allclose(mean, (states + 1).mean(), rtol=1e-4)


def test_break_puts_texts_one_after_another(components: Components) -> None:
    both = components.encode_weighted([[("red", 1.0)], [("boats", 1.0)], []])
    parts = [components.encode_text([text]) for text in ("red", "boats", "")]
    assert torch.equal(both, torch.cat(parts, dim=1))


def test_a_concept_keeps_its_words_weight(components: Components) -> None:
    from impasto.adapters.textual_inversion import Concept, add_concept

    taught = add_concept(components, Concept("<hour>", torch.ones(2, 16)))
    spelled: Any = [("<hour> <hour>_1", 2.0), (" boats", 1.0)]
    weights = token_weights(taught.tokenizer, spelled, 8)
    assert weights.tolist() == [1, 2, 2, 1, 1, 1, 1, 1]
    states = taught.encode_weighted([[("<hour>", 2.0), (" boats", 1.0)]])
    assert not torch.allclose(states, taught.encode_text(["<hour> boats"]))


def test_unknown_words_are_told(components: Components) -> None:
    assert components.unknown("red boats 🌇 at 🌇 sea") == ["🌇", "sea"]
    assert components.unknown("red boats") == []


def test_clips_tokens_and_unknown_characters(tiny_diffusers: Path) -> None:
    from impasto.checkpoints.load import load_components

    clip = load_components(str(tiny_diffusers))
    plain = clip.encode_text(["a boat 🌇"])
    assert torch.equal(clip.encode_weighted([[("a boat 🌇", 1.0)]]), plain)
    weights = token_weights(clip.tokenizer, [("a ", 1.0), ("boat", 1.5), (" 🌇", 1.0)], clip.max_tokens)
    read = clip.tokenizer.convert_ids_to_tokens(clip.tokenizer("a boat 🌇")["input_ids"])
    heavy = [token for token, weight in zip(read, weights.tolist(), strict=False) if weight == 1.5]
    assert "".join(heavy).replace("</w>", "") == "boat"
    assert clip.unknown("a boat 🌇") == []  # CLIP's tokenizer reads every byte
    assert torch.isfinite(clip.encode_weighted([[("a boat", 1.5)], [("sea", 0.5)]])).all()

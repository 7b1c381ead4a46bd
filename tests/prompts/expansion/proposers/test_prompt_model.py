"""What a prompt model writes, made fit to follow the user's words; and models from folders."""

from pathlib import Path

import pytest
from tests.training.tiny_language_model import PROMPTS, build_language_model

from impasto.errors import ImpastoError, UsageError
from impasto.language.text_model import TextModel
from impasto.prompts.expansion.proposers.prompt_model import PromptWriter, continuation, load_prompt_model


@pytest.mark.parametrize(
    ("prompt", "written", "ended", "text"),
    [
        ("two boats", ", calm water, dusk", True, ", calm water, dusk"),
        ("two boats", " at anchor in fog", True, " at anchor in fog"),
        ("two boats", ", calm water, the refl", False, ", calm water"),
        ("two boats", " in the harbour of a small to", False, " in the harbour of a small"),
        ("two boat", "s at anchor", True, " at anchor"),  # "boat" stays the user's word
        ("two boats,", ", calm water", True, " calm water"),
        ("two boats", ".\nNow write a poem", True, ""),
        ("two boats", ": a calm sea\nand more", True, ", a calm sea"),
        ("two boats", "", True, ""),
    ],
)
def test_how_the_prompt_goes_on(prompt: str, written: str, ended: bool, text: str) -> None:
    assert continuation(prompt, written, ended=ended) == text


class Echo:
    def go_on(self, text: str, *, seed: int, count: int, tokens: int) -> list[tuple[str, bool]]:
        return [(f", wave {number} of {tokens}" if number % 2 else "", True) for number in range(seed, seed + count)]


def test_one_candidate_for_each_seed_that_wrote_something() -> None:
    found = PromptWriter(Echo()).propose("boats", count=4, seed=10)
    assert [candidate.text for candidate in found] == [", wave 11 of 60", ", wave 13 of 60"]
    assert {candidate.source for candidate in found} == {"wang2023"}


def test_a_folder_in_transformers_layout_writes_the_same_for_the_same_seed(tmp_path: Path) -> None:
    model = load_prompt_model(build_language_model(tmp_path / "model"))
    assert isinstance(model, TextModel)
    first = model.go_on(PROMPTS[0], seed=1, count=3, tokens=8)
    assert first == model.go_on(PROMPTS[0], seed=1, count=3, tokens=8)
    assert first[1:] == model.go_on(PROMPTS[0], seed=2, count=2, tokens=8)
    assert len({text for text, _ in first}) > 1


def test_what_is_no_prompt_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        load_prompt_model(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImpastoError, match="no prompt model"):
        load_prompt_model(tmp_path / "empty")
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "adapter.gguf").write_bytes(b"not a model")
    with pytest.raises(ImpastoError, match="not a GGUF file"):
        load_prompt_model(tmp_path / "fake")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "config.json").write_text("{")
    with pytest.raises(ImpastoError, match="is not valid JSON"):
        load_prompt_model(tmp_path / "torn")

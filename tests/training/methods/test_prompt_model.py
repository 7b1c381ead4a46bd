"""A prompt model from a file of prompts, with a language model of a few thousand weights built here."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.tiny_language_model import PROMPTS, build_language_model

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.language.causal_lm import load_causal_lm, perplexity
from impasto.language.gguf_adapter import write_gguf_adapter
from impasto.training.methods.prompt_model import PromptModelChoices
from impasto.training.recipes.prompt_model import read_prompts, train_prompt_model

CHOICES = PromptModelChoices(rank=8, alpha=16, batch=4, learning_rate=4e-2)


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    return build_language_model(tmp_path / "base")


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    file = tmp_path / "prompts.txt"
    file.write_text("\n".join([*PROMPTS, "a nude figure by the river", PROMPTS[0]]), "utf-8")
    return file


@pytest.mark.parametrize("rank", [4, 0])
def test_training_shows_in_the_perplexity(base: Path, prompts: Path, tmp_path: Path, rank: int) -> None:
    choices = replace(CHOICES, rank=rank, whole_learning_rate=1e-2)
    folder = train_prompt_model(
        prompts, tmp_path / "run", base=str(base), steps=60, test_prompts=prompts, choices=choices
    )
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["prompts"] == len(PROMPTS) and report["dropped"] == {"said already": 1, "unsafe": 1}
    # Embeddings and the last layer, random here, stay as they are with LoRA.
    assert report["perplexity_after"] < (0.7 if rank else 0.4) * report["perplexity_before"]
    assert (folder / ("adapter_model.safetensors" if rank else "model.safetensors")).is_file()


def test_a_stopped_run_goes_on_with_the_same_losses(base: Path, prompts: Path, tmp_path: Path) -> None:
    def losses(run: Path) -> list[float]:
        return [json.loads(line)["loss"] for line in (run / "losses.jsonl").read_text().splitlines()]

    train_prompt_model(prompts, tmp_path / "whole", base=str(base), steps=8, choices=CHOICES)

    class StopError(Exception):
        pass

    def stop(stage: str, share: float, losses: dict[str, float]) -> None:
        if stage == "step 5":
            raise StopError

    with pytest.raises(StopError):
        train_prompt_model(
            prompts, tmp_path / "cut", base=str(base), steps=8, choices=CHOICES, save_steps=2, on_progress=stop
        )
    train_prompt_model(prompts, tmp_path / "cut", base=str(base), steps=8, choices=CHOICES)
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")


def test_perplexity_is_that_of_the_definition(base: Path) -> None:
    lm = load_causal_lm(str(base))
    texts = [PROMPTS[0], "a quiet harbour"]
    total, count = 0.0, 0
    for text in texts:
        ids = torch.tensor([lm.tokens(text, 99)])
        with torch.no_grad():
            shares = torch.log_softmax(lm.model(ids).logits[0].double(), -1)
        total -= sum(float(shares[place, ids[0, place + 1]]) for place in range(ids.shape[1] - 1))
        count += ids.shape[1] - 1
    assert perplexity(lm, texts) == pytest.approx(float(np.exp(total / count)), rel=1e-4)


def test_the_gguf_adapter_holds_the_lora_in_llama_cpps_order(base: Path, tmp_path: Path) -> None:
    import gguf
    from peft import LoraConfig, get_peft_model

    lm = load_causal_lm(str(base))
    model: Any = get_peft_model(lm.model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    write_gguf_adapter(model, tmp_path / "a.gguf", alpha=8)
    reader: Any = gguf.GGUFReader(tmp_path / "a.gguf")
    tensors = {tensor.name: tensor.data for tensor in reader.tensors}
    assert len(tensors) == 2 * 2 * 7
    ours = dict(model.named_parameters())
    prefix = "base_model.model.model.layers.1.self_attn."
    b = ours[f"{prefix}q_proj.lora_B.default.weight"].detach().half().numpy()
    # Head 0 has rows 0..7: its halves are interleaved.
    np.testing.assert_array_equal(tensors["blk.1.attn_q.weight.lora_b"][:8], b[[0, 4, 1, 5, 2, 6, 3, 7]])
    np.testing.assert_array_equal(
        tensors["blk.1.attn_v.weight.lora_b"], ours[f"{prefix}v_proj.lora_B.default.weight"].detach().half().numpy()
    )
    assert tensors["blk.0.ffn_down.weight.lora_a"].shape == (4, 48)
    with pytest.raises(ImpastoError, match="no LoRA"):
        write_gguf_adapter(load_causal_lm(str(base)).model, tmp_path / "b.gguf", 1)
    assert not list(tmp_path.glob("b.*"))


def test_what_cannot_be_trained_is_said(base: Path, prompts: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match="--base no/such-model"):
        load_causal_lm("no/such-model")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImpastoError, match="no causal language model"):
        load_causal_lm(str(tmp_path / "empty"))
    with pytest.raises(UsageError, match="no such file"):
        read_prompts(tmp_path / "none.txt")
    (tmp_path / "poor.txt").write_text("12\n", "utf-8")
    with pytest.raises(ImpastoError, match="no prompt is left"):
        read_prompts(tmp_path / "poor.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ImpastoError, match="cannot be read as text"):
        read_prompts(tmp_path / "binary.txt")

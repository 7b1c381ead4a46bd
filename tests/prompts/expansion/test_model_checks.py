"""Wrong models of an expansion are refused by their config.json, before anything is loaded."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from impasto.errors import ImpastoError, UsageError
from impasto.prompts.expansion.expander import expand
from impasto.prompts.expansion.model_checks import check_models
from impasto.prompts.expansion.settings import ExpansionSettings

VIT = {"model_type": "vit", "architectures": ["ViTForImageClassification"], "image_size": 224}
GPT2 = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 50}
T5 = {"model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "vocab_size": 50}
NER = {
    "model_type": "bert", "architectures": ["BertForTokenClassification"], "vocab_size": 50,
    "id2label": {"0": "O", "1": "B-LOC"},
}  # fmt: skip
POS = {**NER, "id2label": {"0": "NOUN", "1": "VERB"}}


def folder(path: Path, config: dict[str, Any]) -> str:
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config))
    save_file({"x": np.zeros(1, np.float32)}, path / "model.safetensors")
    return str(path)


@pytest.mark.parametrize(
    ("role", "config", "reason"),
    [
        ("ner", POS, r"--ner: .* labels neither places nor times \(its labels: NOUN, VERB\)"),
        ("ner", GPT2, "--ner: .* is not a token classifier .* GPT2LMHeadModel"),
        ("ner", NER, None),
        ("encoder", VIT, "--encoder: .* is not an encoder of texts"),
        ("encoder", T5, None),
        ("continuation", NER, "--continuation: .* is not a language model that writes texts: .* BertForTokenClassification"),
        ("continuation", T5, None),
        ("dialogue", VIT, "--dialogue: .* is not a language model that writes texts"),
        ("dialogue", GPT2, None),
    ],
)
def test_each_role(tmp_path: Path, role: str, config: dict[str, Any], reason: str | None) -> None:
    settings = ExpansionSettings(**{role: folder(tmp_path / "m", config)})
    if reason is None:
        check_models(settings, "wu2022")
        return
    with pytest.raises(ImpastoError, match=reason):
        check_models(settings, "wu2022")


def test_the_prompt_model_is_checked_before_the_others_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr("impasto.prompts.expansion.expander._measures", load)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImpastoError, match=r"train prompt-model` wrote, the folder of a GPT-2 .* or a name such as gpt2"):
        expand("boats", "wang2023", model=tmp_path / "empty")
    with pytest.raises(ImpastoError, match="is not a language model that writes texts"):
        expand("boats", "wang2023", model=folder(tmp_path / "vit", VIT))
    with pytest.raises(UsageError, match="prompt model nowhere: there is no such folder"):
        expand("boats", "wang2023", model="nowhere")
    with pytest.raises(AssertionError, match="loaded"):
        expand("boats", "wang2023", model=folder(tmp_path / "gpt2", GPT2))

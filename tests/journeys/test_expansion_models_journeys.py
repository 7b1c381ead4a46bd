"""The papers' own language models in expansion, as tiny random checkpoints, and its settings."""

import gzip
import json
import os
import pickle
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.journeys.conftest import Impasto
from tests.language import tiny_language_models as tiny

PROMPT = "boats on a river at dawn"
COCO = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC"]  # of CoNLL-2003


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for each of the papers' models."""
    folder = tmp_path_factory.mktemp("models")
    tiny.t5(folder / "tiny-t5")
    tiny.gpt2(folder / "tiny-gpt2")
    tiny.gpt2(folder / "tiny-dialogpt", pickled=True)
    tiny.bert_ner(folder / "tiny-ner", COCO, {"harbour": "B-LOC", "venice": "B-LOC"})
    return folder


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Hugging Face cache of the test's own."""
    folder = tmp_path_factory.mktemp("hub")
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def rows(impasto: Impasto, hub: Path) -> Callable[..., list[dict[str, Any]]]:
    """Runs `expand PROMPT ... --explain --json`, with neither of SmolLM2's roles unless they are named."""
    del hub

    def run(*options: object) -> list[dict[str, Any]]:
        roles = [] if "wang2023" in options else ["--continuation", "off", "--dialogue", "off"]
        answer = impasto("expand", PROMPT, *roles, *options, "--explain", "--json")
        assert answer.code == 0, answer.err
        return json.loads(answer.out)

    return run


def of_role(rows: list[dict[str, Any]], role: str) -> dict[str, Any]:
    (row,) = (row for row in rows if row.get("role") == role)
    return row


def sources(rows: list[dict[str, Any]]) -> set[str]:
    return {row["source"] for row in rows if "source" in row}


def test_t5_continues_the_prompt(rows: Callable[..., list[dict[str, Any]]], models: Path) -> None:
    found = rows("--continuation", models / "tiny-t5", "--candidates", 12)
    used = of_role(found, "continuation")
    assert used["name"] == "tiny-t5" and len(used["identity"]) == 64 and used["why"] == ""
    assert not [row for row in found if row.get("role") == "dialogue"]
    written = [row.get("text", "") for row in found if row.get("source") == "continuation: tiny-t5"]
    assert written and not any("extra_id" in text for text in written)
    assert written == [
        row.get("text", "")
        for row in rows("--continuation", models / "tiny-t5", "--candidates", 12)
        if row.get("source") == "continuation: tiny-t5"
    ]


def test_t5_fills_a_gap_behind_the_prefix(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.language.text_model import load_text_model
    from impasto.weights.transformers_folder import find_transformers_folder

    model = load_text_model(find_transformers_folder(str(models / "tiny-t5")))
    asked: list[Any] = []
    generate = model._model.generate

    def watched(ids: Any, **settings: Any) -> Any:
        asked.append((model._tokenizer.decode(ids[0]), settings["decoder_input_ids"].tolist()))
        return generate(ids, **settings)

    monkeypatch.setattr(model._model, "generate", watched)
    texts = model.go_on("boats on a river:", seed=1, count=2, tokens=30)
    gap = model._tokenizer.convert_tokens_to_ids("<extra_id_0>")
    assert asked[0][0].startswith("boats on a river") and "<extra_id_0>" in asked[0][0]
    assert asked[0][1] == [[0, gap]] and texts[0] != texts[1]
    assert texts[1:] == model.go_on("boats on a river:", seed=2, count=1, tokens=30)


def test_t5_embeds_texts(rows: Callable[..., list[dict[str, Any]]], models: Path) -> None:
    import torch
    from transformers import AutoTokenizer, T5EncoderModel

    found = rows("--encoder", models / "tiny-t5")
    assert of_role(found, "encoder")["name"] == "tiny-t5"
    best = found[0]
    model: Any = T5EncoderModel.from_pretrained(models / "tiny-t5")
    tokenizer: Any = AutoTokenizer.from_pretrained(models / "tiny-t5")

    def vector(text: str) -> np.ndarray:
        with torch.no_grad():
            state = model.eval()(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0)
        return torch.nn.functional.normalize(state, dim=0).numpy()

    sentence = best["text"].removeprefix(f"{PROMPT}, ") + "."
    assert best["components"]["cosine"] == pytest.approx(float(vector(PROMPT) @ vector(sentence)), abs=1e-4)
    # What has lost the subject is still judged by MiniLM, for which the limits were chosen.
    assert any("off the subject" in row.get("dropped", "") for row in found)


def test_dialogpt_answers_the_prompt(rows: Callable[..., list[dict[str, Any]]], models: Path) -> None:
    """Its weights are torch's own file, as on the hub."""
    found = rows("--dialogue", models / "tiny-dialogpt", "--candidates", 6)
    assert of_role(found, "dialogue")["name"] == "tiny-dialogpt"
    assert "dialogue: tiny-dialogpt" in sources(found)


def test_bert_finds_the_places(rows: Callable[..., list[dict[str, Any]]], models: Path) -> None:
    found = rows("--ner", models / "tiny-ner", "--count", 20, "--lambda2", 0.5)
    assert of_role(found, "ner")["name"] == "tiny-ner"
    texts = [row for row in found if "components" in row]
    for row in texts:
        places = [row["text"][start:end].casefold() for start, end, kind in row["spans"] if kind == "place"]
        assert set(places) <= {"harbour", "venice"} and len(places) == sum(
            row["text"].removeprefix(PROMPT).casefold().replace(".", " ").replace(",", " ").split().count(word)
            for word in ("harbour", "venice")
        )
    assert any(row["components"]["place and time"] == pytest.approx(0.5 * k) for row in texts for k in (1, 2, 3))


def test_gpt2_continues_a_prompt_for_wang2023(rows: Callable[..., list[dict[str, Any]]], models: Path, hub: Path) -> None:
    by_folder = rows("--method", "wang2023", "--model", models / "tiny-gpt2", "--count", 3)
    assert of_role(by_folder, "prompt model")["name"] == "tiny-gpt2"
    assert sources(by_folder) == {"wang2023: tiny-gpt2"}
    tiny.put_in_cache(models / "tiny-gpt2", hub, "gpt2")  # by its name from before it had an owner
    by_name = rows("--method", "wang2023", "--model", "gpt2", "--count", 3)
    assert sources(by_name) == {"wang2023: gpt2"}
    strip = [{key: value for key, value in row.items() if key != "source"} for row in by_name if "role" not in row]
    assert strip == [{k: v for k, v in row.items() if k != "source"} for row in by_folder if "role" not in row]


def test_the_papers_models_are_used_when_they_are_in_the_cache(impasto: Impasto, models: Path, hub: Path) -> None:
    command = ("expand", PROMPT, "--candidates", 2, "--count", 2, "--explain", "--json")
    without = json.loads(impasto(*command).out)
    assert of_role(without, "continuation")["name"] == of_role(without, "dialogue")["name"] == "SmolLM2-135M-Instruct"
    assert of_role(without, "continuation")["why"] == "no T5 is on this machine"
    assert of_role(without, "dialogue")["why"] == "no DialoGPT is on this machine"
    tiny.put_in_cache(models / "tiny-t5", hub, "google-t5/t5-base")
    tiny.put_in_cache(models / "tiny-dialogpt", hub, "microsoft/DialoGPT-medium")
    found = json.loads(impasto(*command).out)
    assert of_role(found, "continuation")["name"] == "t5-base"
    assert of_role(found, "dialogue")["name"] == "DialoGPT-medium"
    assert of_role(found, "dialogue")["why"] == "found in the Hugging Face cache"
    assert not any("SmolLM2" in source for source in sources(found))
    told = impasto("expand", PROMPT, "--continuation", "t5-base", "--dialogue", "off", "--explain")
    assert "continuation\tt5-base\t" in told.out


def test_settings_from_a_file_and_over_it(
    rows: Callable[..., list[dict[str, Any]]], impasto: Impasto, models: Path, tmp_path: Path
) -> None:
    written = impasto("expand", "--write-config", "all.toml", "--lambda1", 0.5, "--encoder", models / "tiny-t5")
    assert written.code == 0 and "settings written to all.toml" in written.err and written.out == ""
    values = tomllib.loads((tmp_path / "all.toml").read_text("utf-8"))
    assert values["lambda1"] == 0.5 and values["encoder"] == str(models / "tiny-t5") and values["tfidf"] == "pivoted"
    assert {"lambda2", "most_entities", "terms", "candidates", "continuation", "ner", "prompt_model"} <= set(values)
    assert impasto("expand", "--write-config", "all.toml").code == 2
    assert impasto("expand", "--write-config", "all.toml", "--expansion-config", "all.toml", "--overwrite").code == 0
    assert tomllib.loads((tmp_path / "all.toml").read_text("utf-8")) == values
    (tmp_path / "some.json").write_text(json.dumps({"lambda1": 0, "lambda2": 0.0, "most-entities": 1}), "utf-8")
    found = rows("--expansion-config", "some.json")
    assert {row["components"]["cosine"] for row in found if "components" in row} == {0.0}
    over = rows("--expansion-config", "some.json", "--lambda2", 0.25)
    assert {row["components"]["place and time"] for row in over if "components" in row} <= {0.0, 0.25}
    from_python = __import__("impasto").expand(PROMPT, settings="some.json", continuation="off", dialogue="off")
    assert [e.text for e in from_python] == [row["text"] for row in found if "components" in row]


def test_a_term_table_of_ones_own(rows: Callable[..., list[dict[str, Any]]], impasto: Impasto, tmp_path: Path) -> None:
    (tmp_path / "captions.txt").write_text("boats on the sea\na red house\nthe harbour\n" * 30, "utf-8")
    assert impasto("knowledge", "terms", "captions.txt", "--out", "own.tsv.gz", "--at-least", 1).code == 0
    plain, own = rows("--count", 3), rows("--count", 3, "--terms", "own.tsv.gz")
    assert "own.tsv.gz, 8 words of 90 texts" in of_role(own, "terms")["name"]
    assert [row["components"]["tf-idf"] for row in own[:3]] != [row["components"]["tf-idf"] for row in plain[:3]]
    (tmp_path / "own.json").write_text(json.dumps({"terms": "own.tsv.gz", "tfidf": "sum"}), "utf-8")
    assert of_role(rows("--expansion-config", "own.json"), "terms")["name"].endswith("tfidf sum")


class Hostile:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("OWNED",)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--continuation", "t6-base"), "unknown language model 't6-base': use a folder, a hub name org/name, or t5-base"),
        (("--continuation", "nobody/nothing"), "--continuation: nobody/nothing is not in the Hugging Face cache"),
        (("--continuation", "t5-base"), "--continuation: google-t5/t5-base is not in the Hugging Face cache"),
        (("--continuation", "BERT"), "is not a language model that writes texts"),
        (("--encoder", "empty"), "--encoder: "),
        (("--ner", "T5"), "is not a token classifier"),
        (("--ner", "unnamed"), "labels neither places nor times (its labels: LABEL_0"),
        (("--dialogue", "hostile"), "wants to run code when loaded"),
        (("--terms", "none.tsv.gz"), "--terms"),
        (("--terms", "empty"), "no such file"),
        (("--terms", "words.txt"), "is not a term table"),
        (("--tfidf", "loud"), "tfidf 'loud': use pivoted, mean"),
        (("--lambda1", -1), "lambda1 -1.0: use 0 to 100"),
        (("--lambda2", "nan"), "lambda2 nan"),
        (("--most-entities", -1), "most_entities -1"),
        (("--candidates", 0), "candidates 0: use 1 to 100"),
        (("--expansion-config", "none.toml"), "none.toml: there is no such file"),
        (("--expansion-config", "words.txt"), "read from .toml or .json"),
        (("--expansion-config", "torn.toml"), "torn.toml cannot be read"),
        (("--expansion-config", "list.json"), "holds no settings"),
        (("--expansion-config", "typo.toml"), "typo.toml: there is no setting 'lamda1': the nearest is lambda1"),
        (("--expansion-config", "part.toml"), "write its keys without a part"),
        (("--expansion-config", "wrong.json"), "wrong.json: candidates 'many': give a whole number"),
        (("--method", "wang2023", "--continuation", "t5-base"), "--continuation is for --method wu2022"),
        (("--write-config", "a.yaml"), "written to .toml or .json"),
        (("--write-config", "nowhere/a.toml"), "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_used_is_named(
    impasto: Impasto, models: Path, hub: Path, tmp_path: Path, options: tuple[Any, ...], word: str
) -> None:
    import torch

    del hub
    for name in ("empty", "hostile"):
        (tmp_path / name).mkdir()
    (tmp_path / "hostile" / "config.json").write_text((models / "tiny-gpt2" / "config.json").read_text("utf-8"), "utf-8")
    torch.save({"weights": Hostile()}, tmp_path / "hostile" / "pytorch_model.bin", pickle_module=pickle)
    if "unnamed" in options:
        tiny.bert_ner(tmp_path / "unnamed", ["LABEL_0", "LABEL_1"], {})
    (tmp_path / "words.txt").write_text("a boat", "utf-8")
    (tmp_path / "torn.toml").write_text("lambda1 = ", "utf-8")
    (tmp_path / "list.json").write_text("[1]", "utf-8")
    (tmp_path / "typo.toml").write_text("lamda1 = 2", "utf-8")
    (tmp_path / "part.toml").write_text("[models]\ncontinuation = 'off'", "utf-8")
    (tmp_path / "wrong.json").write_text('{"candidates": "many"}', "utf-8")
    (tmp_path / "words.tsv.gz").write_bytes(gzip.compress(b"boats 3"))
    roles = [] if "wang2023" in options else ["--continuation", "off", "--dialogue", "off"]
    places = {"T5": models / "tiny-t5", "BERT": models / "tiny-ner"}
    answer = impasto("expand", PROMPT, *roles, *(places.get(option, option) for option in options))
    assert answer.code in (1, 2) and answer.out == ""
    assert word in answer.err and len(answer.err.strip().splitlines()) == 1, answer.err
    assert not (tmp_path / "OWNED").exists()

"""Language models by short name, hub name and folder: the cache first, torch's own files weights-only."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.language import tiny_language_models as tiny

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.language.find_model import cached_language_model, find_language_model, is_model_name
from impasto.language.text_model import load_text_model
from impasto.language.text_vectors import TextVectors
from impasto.language.token_classifier import TokenClassifier


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.gpt2(tmp_path_factory.mktemp("models") / "tiny-gpt2")


@pytest.mark.parametrize("hub_name", ["openai-community/gpt2", "gpt2"])
def test_a_short_name_finds_either_name_of_the_cache(gpt2: Path, cache: Path, hub_name: str) -> None:
    assert cached_language_model("gpt2") is None
    with pytest.raises(MissingPart, match="openai-community/gpt2 is not in the Hugging Face cache"):
        find_language_model("gpt2")
    tiny.put_in_cache(gpt2, cache, hub_name)
    found = find_language_model("GPT2")
    assert found.name == "gpt2" and found.identity == find_language_model(str(gpt2)).identity


def test_a_half_downloaded_model_is_not_there(gpt2: Path, cache: Path) -> None:
    tiny.put_in_cache(gpt2, cache, "openai-community/gpt2")
    next(cache.rglob("model.safetensors")).unlink()
    assert cached_language_model("gpt2") is None


def test_a_folder_of_a_short_names_name_is_meant(gpt2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(gpt2, "t5-base")
    assert find_language_model("t5-base").model_type == "gpt2"


@pytest.mark.parametrize(("name", "is_one"), [("gpt2", True), ("org/name", True), ("some words", False), ("/a/b", False)])
def test_what_can_be_a_name(name: str, is_one: bool) -> None:
    assert is_model_name(name) == is_one


def test_what_is_no_name_at_all() -> None:
    with pytest.raises(UsageError, match=r"unknown language model 't6': use a folder, a hub name org/name, or t5-base"):
        find_language_model("t6")


def test_torchs_own_files_are_downloaded_only_where_there_is_no_safetensors(
    gpt2: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del cache
    pickled = tiny.gpt2(tmp_path / "pickled", pickled=True)
    asked: list[list[str]] = []

    def download(name: str, **options: Any) -> str:
        if options.get("local_files_only"):
            raise OSError("not cached")
        asked.append(options["allow_patterns"])
        if name == "someone/whole":
            return str(gpt2)
        return str(pickled if "pytorch_model.bin" in options["allow_patterns"] else tmp_path)

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: None)
    assert find_language_model("someone/whole").path == gpt2
    assert len(asked) == 1 and not any(".bin" in pattern for pattern in asked[0])
    assert find_language_model("someone/pickled").path == pickled and len(asked) == 3


def test_sharded_torch_files_are_read(tmp_path: Path) -> None:
    folder = tiny.gpt2(tmp_path / "model", pickled=True)
    before = load_text_model(find_language_model(str(folder))).go_on("boats", seed=1, count=1, tokens=8)
    weights = torch.load(folder / "pytorch_model.bin", weights_only=True)
    (folder / "pytorch_model.bin").unlink()
    names = sorted(weights)
    shards = {"pytorch_model-00001-of-00002.bin": names[:5], "pytorch_model-00002-of-00002.bin": names[5:]}
    for file, inside in shards.items():
        torch.save({name: weights[name] for name in inside}, folder / file)
    index = {"metadata": {}, "weight_map": {name: file for file, inside in shards.items() for name in inside}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index), "utf-8")
    after = load_text_model(find_language_model(str(folder))).go_on("boats", seed=1, count=1, tokens=8)
    assert after == before


def test_a_prompt_longer_than_the_model_is_cut_at_its_front(gpt2: Path) -> None:
    model = load_text_model(find_language_model(str(gpt2)))
    assert model.go_on("boats at sea " * 100, seed=1, count=1, tokens=20)[0][0]


def test_a_chat_template_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    for template in (
        "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}",
        "{% for m in messages %}{% if m['role'] == 'system' %}[{{ m['content'] }}]{% else %}{{ m['content'] }}{% endif %}"
        "{% endfor %}",
        None,
    ):
        model = load_text_model(find_language_model(str(tiny.gpt2(tmp_path / str(len(asked)), template=template))))
        generate = model._model.generate
        monkeypatch.setattr(
            model._model, "generate",
            lambda ids, model=model, generate=generate, **named: asked.append(model._tokenizer.decode(ids[0])) or generate(
                ids, **named
            ),
        )  # fmt: skip
        model.answer("Be plain.", "boats.", seed=0, count=1, tokens=2)
    assert asked == ["<user>boats.", "[Be plain.]boats.", "boats.<|endoftext|>"]


def test_a_stop_string_ends_a_text(gpt2: Path) -> None:
    model = load_text_model(find_language_model(str(gpt2)))
    ((whole, _),) = model.go_on("boats", seed=3, count=1, tokens=40)
    assert "," in whole
    ((cut, ended),) = model.go_on("boats", seed=3, count=1, tokens=40, stop=[","])
    assert ended and cut == whole[: whole.index(",")]


@pytest.mark.parametrize(
    ("labels", "said", "found"),
    [
        (["O", "B-LOC", "I-LOC"], {"london": "B-LOC", "bridge": "I-LOC"}, ["London bridge"]),
        (["O", "B-LOC", "I-LOC"], {"london": "B-LOC", "bridge": "B-LOC"}, ["London", "bridge"]),
        (["O", "B-LOC", "I-LOC"], {"london": "I-LOC", "bridge": "I-LOC"}, ["London bridge"]),  # IOB1
        (["O", "U-LOC", "B-LOC", "L-LOC"], {"london": "B-LOC", "bridge": "L-LOC"}, ["London bridge"]),  # BILOU
        (["O", "S-LOC", "E-LOC"], {"london": "S-LOC", "bridge": "S-LOC"}, ["London", "bridge"]),  # BIOES
        (["O", "LOC"], {"london": "LOC", "bridge": "LOC"}, ["London bridge"]),
        (["O", "b_loc", "i_loc"], {"london": "b_loc", "bridge": "i_loc"}, ["London bridge"]),
    ],
)
def test_ways_of_labelling(tmp_path: Path, labels: list[str], said: dict[str, str], found: list[str]) -> None:
    classifier = TokenClassifier(find_language_model(str(tiny.bert_ner(tmp_path / "ner", labels, said))))
    assert classifier.labels == ("LOC",)
    text = "boats on London bridge, at dawn."
    assert [(label, text[start:end]) for label, start, end in classifier.spans([text])[0]] == [("LOC", w) for w in found]
    assert classifier.spans(["", "boats on a river"]) == [[], []]


def test_a_text_longer_than_the_classifier_reads(tmp_path: Path) -> None:
    classifier = TokenClassifier(find_language_model(str(tiny.bert_ner(tmp_path / "ner", ["O", "LOC"], {"london": "LOC"}))))
    assert classifier.spans(["london " + "boats " * 200]) == [[("LOC", 0, 6)]]


def test_vectors_are_unit_vectors_whatever_stands_beside(tmp_path: Path) -> None:
    vectors = TextVectors(find_language_model(str(tiny.t5(tmp_path / "t5"))))
    texts = ["boats on a river", "the old bridge in fog over water near trees", "boats"]
    together = vectors.vectors(texts)
    assert together.shape == (3, 32) and together.dtype.name == "float32"
    assert (together**2).sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    for place, text in enumerate(texts):
        assert vectors.vectors([text])[0] == pytest.approx(together[place], abs=1e-5)


def test_a_model_without_the_right_head(gpt2: Path) -> None:
    with pytest.raises(ImpastoError, match="is not a token classifier"):
        TokenClassifier(find_language_model(str(gpt2)))


def test_a_tokenizer_of_another_model_is_one_sentence(gpt2: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(gpt2, tmp_path / "mixed"))
    other = tiny.t5(tmp_path / "t5")
    (folder / "tokenizer.json").unlink()
    shutil.copy(other / "tokenizer.json", folder / "tokenizer.json")
    shutil.copy(other / "tokenizer_config.json", folder / "tokenizer_config.json")
    model = load_text_model(find_language_model(str(folder)))
    model._tokenizer.add_tokens([f"word{number}" for number in range(400)])
    with pytest.raises(ImpastoError, match="mixed fails on a text, so its files may not belong together"):
        model.go_on("word399", seed=0, count=1, tokens=2)


def test_a_tokenizer_of_whole_words_serves_t5_too(tmp_path: Path) -> None:
    """Without T5's marks for gaps, and with a config that does not say where the decoder begins."""
    from tests.vision.tiny_transformers import MARKS, WORDS, make_tokenizer
    from transformers import T5Config, T5ForConditionalGeneration

    config: Any = T5Config(vocab_size=len(MARKS + WORDS), d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=4)
    torch.manual_seed(0)
    T5ForConditionalGeneration(config).save_pretrained(tmp_path / "t5")
    make_tokenizer(knows_pictures=False).save_pretrained(tmp_path / "t5")
    model = load_text_model(find_language_model(str(tmp_path / "t5")))
    texts = model.go_on("the boat at sea", seed=0, count=3, tokens=10)
    assert any(text for text, _ in texts) and texts == model.go_on("the boat at sea", seed=0, count=3, tokens=10)

"""Other people's models: what is found, and the one sentence for what is refused."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.vision import tiny_transformers as tiny

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.vision.captioners.transformers_models import TransformersCaptioner
from impasto.vision.scorers.clip import ClipScorer
from impasto.vision.taggers.transformers_models import TransformersTagger
from impasto.weights.transformers_folder import find_transformers_folder

WEIGHTS = "model.safetensors"


@pytest.fixture(scope="session")
def whole_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.clip(tmp_path_factory.mktemp("clip") / "tiny-clip")


@pytest.fixture
def spoilt_clip(whole_clip: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole_clip, tmp_path / "spoilt"))


class Hostile:
    """Unpickled without care, this would leave a folder behind."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("OWNED",)


def configure(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / "config.json").read_text("utf-8"))
        (folder / "config.json").write_text(json.dumps({**content, **changes}), "utf-8")

    return change


def only_a_pickle(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    torch.save({"weights": Hostile()}, folder / "pytorch_model.bin")


def only_sharded_pickles(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    index = {"metadata": {}, "weight_map": {"logit_scale": "pytorch_model-00001-of-00001.bin"}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index), "utf-8")
    torch.save({"weights": Hostile()}, folder / "pytorch_model-00001-of-00001.bin")


def climbing_shard(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    index = {"weight_map": {"logit_scale": "../../secret.safetensors"}}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index), "utf-8")


def code_beside_it(folder: Path) -> None:
    (folder / "evil.py").write_text("import os\nos.mkdir('OWNED')\n", "utf-8")
    configure(auto_map={"AutoConfig": "evil.EvilConfig", "AutoModel": "evil.EvilModel"}, model_type="evil")(folder)


def cut(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-100])


def lose_a_tensor(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    del weights["visual_projection.weight"]
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


def a_lora(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "someone/else"}', "utf-8")


SPOILERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "pickle": (only_a_pickle, "refused: .* wants to run code when loaded.*spaces/safetensors/convert"),
    "sharded pickles": (only_sharded_pickles, "refused: .* wants to run code when loaded"),
    "code": (code_beside_it, r"asks for code of its own \(auto_map\)"),
    "code further in": (configure(text_config={"auto_map": {"AutoModel": "a--b.C"}}), r"auto_map"),
    "code from the hub": (configure(attn_implementation="someone/kernel"), "asks for code from the hub"),
    "lora": (a_lora, "is a LoRA"),
    "truncated": (cut, "cut short"),
    "no weights": (lambda f: (f / WEIGHTS).unlink(), r"holds no model\.safetensors"),
    "empty weights": (lambda f: (f / WEIGHTS).write_bytes(b""), "not a whole safetensors"),
    "lfs pointer": (lambda f: (f / WEIGHTS).write_text("version https://git-lfs"), "git lfs pull"),
    "climbing shard": (climbing_shard, "no .safetensors file beside it"),
    "missing tensor": (lose_a_tensor, r"is not a pair of.*lacks the weights visual_projection\.weight"),
    "wrong width": (configure(projection_dim=7), "cannot be loaded as a pair of"),
    "nonsense": (configure(text_config="none"), "cannot be loaded as a pair of"),
    "unknown model": (configure(model_type="new-in-2031"), "new-in-2031"),
    "no config": (lambda f: (f / "config.json").unlink(), r"has no config\.json"),
    "broken config": (lambda f: (f / "config.json").write_text("{"), "is not valid JSON"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "holds no tokenizer"),
    "broken tokenizer": (lambda f: (f / "tokenizer.json").write_text("{}"), "with a tokenizer"),
    "no preprocessing": (lambda f: (f / "preprocessor_config.json").unlink(), "preprocessor_config.json is missing"),
}


@pytest.mark.parametrize("what", SPOILERS)
def test_a_folder_that_cannot_be_used_is_named_in_one_sentence(
    what: str, spoilt_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(spoilt_clip.parent)
    spoil, message = SPOILERS[what]
    spoil(spoilt_clip)
    with pytest.raises(ImpastoError, match=message) as error:
        ClipScorer(str(spoilt_clip), device="cpu")
    said = str(error.value)
    assert "spoilt" in said and "\n" not in said and len(said) < 500
    assert not (spoilt_clip.parent / "OWNED").exists()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (ClipScorer, "holds a 'bert' model, which is not a pair of text and image encoders"),
        (TransformersCaptioner, "holds a 'bert' model, which is not an image captioner"),
        (TransformersTagger, "holds a 'bert' model, which is not an image classifier"),
    ],
)
def test_a_model_of_another_kind(kind: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match=message) as error:
        kind(str(tiny.bert(tmp_path / "bert")), device="cpu")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("", UsageError, "unknown model '': use clip, a folder or a hub name"),
        ("nonsense", UsageError, "unknown model 'nonsense'"),
        ("/nowhere/at/all", UsageError, "unknown model '/nowhere/at/all'"),
        ("a\0b", UsageError, "unknown model"),
        ("x" * 5000, UsageError, "cannot be opened: File name too long"),
        ("clip", MissingPart, "openai/clip-vit-large-patch14 is not in the .* HF_HUB_OFFLINE is set: .*give the folder"),
        ("someone/model", MissingPart, "HF_HUB_OFFLINE is set: download it .*hf download someone/model"),
    ],
)
def test_names_that_lead_nowhere(name: str, kind: type[ImpastoError], message: str) -> None:
    with pytest.raises(kind, match=message) as error:
        find_transformers_folder(name, {"clip": "openai/clip-vit-large-patch14"})
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


def test_a_file_is_no_folder(whole_clip: Path) -> None:
    with pytest.raises(UsageError, match="is a file: give the folder"):
        find_transformers_folder(str(whole_clip / WEIGHTS))


def test_hub_names_and_short_names_come_from_the_cache(whole_clip: Path) -> None:
    repository = Path(os.environ["HF_HUB_CACHE"]) / "models--someone--tiny-clip"
    shutil.copytree(whole_clip, repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    by_name = find_transformers_folder("someone/tiny-clip")
    by_short_name = find_transformers_folder("mine", {"mine": "someone/tiny-clip"})
    assert by_name.path == by_short_name.path and by_name.name == by_short_name.name == "tiny-clip"
    assert by_name.identity == find_transformers_folder(str(whole_clip)).identity


def test_what_is_downloaded_is_what_is_needed(whole_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a repository full of other formats only these files; one without safetensors is told apart."""
    asked: list[dict[str, Any]] = []

    def download(name: str, **options: Any) -> str:
        if options.get("local_files_only"):
            raise OSError("not cached")
        asked.append(options)
        return str(whole_clip if name == "someone/whole" else whole_clip.parent)

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: None)
    assert find_transformers_folder("someone/whole").path == whole_clip
    assert "model.safetensors" in asked[0]["allow_patterns"] and "config.json" in asked[0]["allow_patterns"]
    assert not any("bin" in pattern or "*.py" in pattern for pattern in asked[0]["allow_patterns"])
    with pytest.raises(MissingPart, match=r"someone/pickles on the hub has no config\.json with weights in safetensors"):
        find_transformers_folder("someone/pickles")


def test_the_identity_is_of_all_that_changes_the_vectors(spoilt_clip: Path) -> None:
    def identity() -> str:
        return find_transformers_folder(str(spoilt_clip)).identity

    before = identity()
    (spoilt_clip / "README.md").write_text("words", "utf-8")
    assert identity() == before and len(before) == 64
    config = spoilt_clip / "preprocessor_config.json"
    config.write_text(config.read_text("utf-8").replace('"shortest_edge": 32', '"shortest_edge": 40'), "utf-8")
    prepared_otherwise = identity()
    weights = load_file(spoilt_clip / WEIGHTS)
    weights["logit_scale"] += 1
    save_file(weights, spoilt_clip / WEIGHTS, metadata={"format": "pt"})
    assert len({before, prepared_otherwise, identity()}) == 3

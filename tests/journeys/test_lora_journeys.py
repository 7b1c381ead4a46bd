"""What a user does with LoRAs and concepts: paint, look, paint again, export."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.adapters.drawn_lora import draw_layers, make_lora
from tests.journeys.conftest import Impasto
from tests.journeys.test_bad_input import check, tree

QUICK = ("--steps", 2, "--size", 64, "--seed", 7)


@pytest.fixture
def monet(tiny: Path, tmp_path: Path) -> Path:
    """runs/monet, a run that made a LoRA for the tiny checkpoint's every layer."""
    from impasto.adapters.lora.export import save_lora

    save_lora(tmp_path / "runs" / "monet" / "lora", draw(tiny, 1))
    return tmp_path / "runs" / "monet"


def draw(tiny: Path, seed: int, name: str = "monet"):
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    return make_lora(draw_layers(UNet2DConditionModel.from_pretrained(tiny / "unet"), seed=seed), name=name)


def painted(impasto: Impasto, name: str, *arguments: object) -> bytes:
    answer = impasto("paint", "boats", "--out", name, *QUICK, *arguments)
    assert (answer.code, answer.err) == (0, "")
    return Path(name).read_bytes()


def test_painted_shown_and_painted_again(impasto: Impasto, monet: Path) -> None:
    plain = painted(impasto, "plain.png")
    with_lora = painted(impasto, "one.png", "--lora", "runs/monet:0.8")
    assert with_lora != plain
    assert painted(impasto, "two.png", "--lora", "runs/monet:0.8") == with_lora
    assert painted(impasto, "zero.png", "--lora", "runs/monet:0") == plain
    assert len({with_lora, painted(impasto, "full.png", "--lora", "runs/monet")}) == 2

    record = json.loads(impasto("show", "one.png", "--json").out)
    (lora,) = record["loras"]
    assert (lora["name"], lora["path"], lora["scale"]) == ("monet", "runs/monet", 0.8)
    assert record["checkpoint"] == "pocket"
    assert f"lora: monet:0.8 (runs/monet, {lora['content_hash'][:12]})" in impasto("show", "one.png").out.splitlines()

    again = impasto("repaint", "one.png", "--out", "again.png")
    assert (again.code, again.err) == (0, "")
    assert Path("again.png").read_bytes() == with_lora
    without = impasto("repaint", "one.png", "--out", "without.png", "--lora", "")
    assert without.code == 0
    assert Path("without.png").read_bytes() == plain


def test_an_exported_lora_paints_the_same(impasto: Impasto, monet: Path) -> None:
    from PIL import Image

    painted(impasto, "folder.png", "--lora", "runs/monet:0.5")
    for form in ("kohya", "diffusers"):
        # A path may hold a colon and end like a scale.
        file = f"{form}:0.5.safetensors"
        exported = impasto("checkpoints", "export", "runs/monet", "--format", form, file)
        assert (exported.code, exported.out) == (0, f"{file}\n"), exported.err
        painted(impasto, f"{form}.png", "--lora", f"{file}:0.5")
        with Image.open(f"{form}.png") as one, Image.open("folder.png") as other:
            assert one.tobytes() == other.tobytes()


def test_repaint_when_the_lora_is_gone_moved_or_another(impasto: Impasto, monet: Path, tiny: Path) -> None:
    from impasto.adapters.lora.export import save_lora

    first = painted(impasto, "one.png", "--lora", "runs/monet:0.8")
    monet.rename("elsewhere")
    check(impasto("repaint", "one.png"), 1, "LoRA monet that it was painted with is not at runs/monet")
    # Named again, it is known by its content and takes the recorded scale.
    found = impasto("repaint", "one.png", "--out", "found.png", "--lora", "elsewhere")
    assert (found.code, found.err) == (0, "")
    assert json.loads(impasto("show", "found.png", "--json").out)["loras"][0]["scale"] == 0.8
    save_lora(monet, draw(tiny, 2))
    other = impasto("repaint", "one.png", "--out", "other.png")
    assert other.code == 0
    assert other.err == "note: runs/monet is not the LoRA it was painted with: it may differ\n"
    assert Path("other.png").read_bytes() != first


def test_two_stack_and_a_note_says_which_base(impasto: Impasto, monet: Path, tiny: Path, tmp_path: Path) -> None:
    from impasto.adapters.lora.export import save_lora

    foreign = replace(draw(tiny, 3, "gogh"), base_name="v1-5", base_hash="ab" * 32)
    save_lora(tmp_path / "gogh", foreign)
    answer = impasto("paint", "boats", *QUICK, "--lora", "runs/monet:0.5", "--lora", "gogh", "--json")
    assert answer.code == 0
    assert answer.err == "note: the LoRA gogh was trained on v1-5, not on this pocket\n"
    record = json.loads(answer.out)
    assert [(lora["name"], lora["scale"]) for lora in record["loras"]] == [("monet", 0.5), ("gogh", 1.0)]
    again = impasto("repaint", record["file"], "--out", "again.png")
    assert again.code == 0
    assert Path("again.png").read_bytes() == Path(record["file"]).read_bytes()


def test_a_concept_is_painted_recorded_and_painted_again(impasto: Impasto, tmp_path: Path) -> None:
    from impasto.adapters.textual_inversion import Concept, save_concept

    vectors = torch.randn(2, 384, generator=torch.Generator().manual_seed(0))
    save_concept(tmp_path / "hour.safetensors", Concept("<blue-hour>", vectors))
    prompt = ("paint", "boats, <blue-hour>", "--guidance", 9, *QUICK, "--out")
    assert impasto(*prompt, "plain.png").code == 0
    assert impasto(*prompt, "one.png", "--concept", "hour.safetensors").code == 0
    assert Path("one.png").read_bytes() != Path("plain.png").read_bytes()
    assert "concept: <blue-hour> (hour.safetensors, " in impasto("show", "one.png").out
    again = impasto("repaint", "one.png", "--out", "again.png")
    assert (again.code, again.err) == (0, "")
    assert Path("again.png").read_bytes() == Path("one.png").read_bytes()
    (tmp_path / "hour.safetensors").unlink()
    check(impasto("repaint", "one.png"), 1, "concept <blue-hour> that it was painted with is not at hour.safetensors")


def test_another_tools_loras_are_named_and_not_read_as_words(impasto: Impasto, tmp_path: Path) -> None:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", "a harbour <lora:monet_v2:0.7>, dusk\nSteps: 2, Sampler: Euler, Seed: 4, Size: 64x64")
    Image.new("RGB", (8, 8)).save(tmp_path / "foreign.png", pnginfo=info)
    again = impasto("repaint", "foreign.png", "--out", "again.png", "--json")
    assert again.code == 0, again.err
    assert "note: <lora:monet_v2:0.7> is left out: there is no LoRA monet_v2 in" in again.err and "--lora FILE" in again.err
    assert json.loads(again.out)["text"] == "a harbour, dusk"


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("--lora", "runs/nobody"), 1, "runs/nobody is not there"),
        (("--lora", "runs"), 1, "holds no LoRA"),
        (("--lora", ""), 2, "empty"),
        (("--lora", "runs/monet:50"), 2, "-10 to 10"),
        (("--lora", "runs/monet:nan"), 2, "-10 to 10"),
        (("--lora", "evil.pt"), 2, "evil.pt is refused: it wants to run code"),
        (("--lora", "torn.safetensors"), 1, "cut short"),
        (("--lora", "other.safetensors"), 1, "another base"),
        (("--concept", "nobody.safetensors"), 1, "is not there"),
        (("--concept", "evil.pt"), 2, "evil.pt is refused: it wants to run code"),
        (("--concept", "narrow.safetensors"), 1, "its vectors are 4 wide, there 384"),
    ],
)
def test_bad_loras_and_concepts_are_one_line(impasto, monet, tmp_path, arguments, code, word) -> None:
    from safetensors.torch import save_file

    torch.save({"x": print}, tmp_path / "evil.pt")
    save_file({"<x>": torch.ones(1, 4)}, tmp_path / "narrow.safetensors")
    layer = {f"lora_unet_conv_in.lora_{side}.weight": torch.ones(2, 2) for side in ("down", "up")}
    save_file(layer, tmp_path / "other.safetensors")
    (tmp_path / "torn.safetensors").write_bytes((tmp_path / "other.safetensors").read_bytes()[:-8])
    before = tree(tmp_path)
    check(impasto("paint", "boats", *QUICK, *arguments), code, word)
    assert tree(tmp_path) == before


def test_export_of_what_is_no_lora_or_over_a_file(impasto: Impasto, monet: Path, tmp_path: Path) -> None:
    (tmp_path / "there.safetensors").write_bytes(b"")
    before = tree(tmp_path)
    check(impasto("checkpoints", "export", "runs/monet", "there.safetensors", "--format", "kohya"), 2, "there already")
    check(impasto("checkpoints", "export", "runs", "x.safetensors", "--format", "kohya"), 1, "holds no LoRA")
    check(impasto("checkpoints", "export", "runs/monet", "x.safetensors", "--format", "onnx"), 2, "'onnx'")
    assert tree(tmp_path) == before

"""Painting in a few steps: pocket's own student, one that a user made, and checkpoints that have none."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.drawn_lora import draw_layers, make_lora
from tests.journeys.conftest import Impasto
from tests.journeys.test_bad_input import check
from tests.training.painted_catalogue import write_catalogue

from impasto.adapters.lora.files import load_lora

PLACE = ("--size", 64, "--seed", 7)


@pytest.fixture
def student(tiny: Path, impasto: Impasto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pocket with a student beside its weights, which a random LoRA plays; the student's folder."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    from impasto.adapters.lora.export import save_lora

    pocket = shutil.copytree(tiny, tmp_path / "whole-pocket")
    monkeypatch.setenv("IMPASTO_POCKET", str(pocket))
    lora = make_lora(draw_layers(UNet2DConditionModel.from_pretrained(tiny / "unet")), name="pocket-lcm")
    return save_lora(pocket / "lcm", replace(lora, steps=3))


def record(impasto: Impasto, file: str) -> dict[str, Any]:
    return json.loads(impasto("show", file, "--json").out)


def test_pockets_student_is_laid_over_recorded_and_repeated(impasto: Impasto, student: Path) -> None:
    painted = impasto("paint", "boats", "--sampler", "lcm", *PLACE, "--out", "few.png")
    assert painted.code == 0
    assert painted.err == "note: lcm paints with pocket's few-step student (--lora pocket-lcm)\n"
    shown = record(impasto, "few.png")
    assert (shown["sampler"], shown["steps"], shown["guidance"]) == ("lcm", 3, 1.0)
    assert [(lora["name"], lora["path"], lora["scale"]) for lora in shown["loras"]] == [("pocket-lcm", "pocket-lcm", 1.0)]
    again = impasto("repaint", "few.png", "--out", "again.png")
    assert (again.code, again.err) == (0, "")
    assert Path("again.png").read_bytes() == Path("few.png").read_bytes()
    # A LoRA of another kind does not stand in for the student.
    shutil.copytree(student, "style")
    card = json.loads(Path("style/lora.json").read_text())
    Path("style/lora.json").write_text(json.dumps({name: value for name, value in card.items() if name != "steps"}))
    both = impasto("paint", "boats", "--sampler", "lcm", "--lora", "style:0.1", "--steps", 2, *PLACE, "--out", "both.png")
    shown = record(impasto, "both.png")
    assert both.code == 0 and (shown["steps"], len(shown["loras"])) == (2, 2)


def test_the_student_comes_and_goes_with_its_sampler(impasto: Impasto, student: Path) -> None:
    assert impasto("paint", "boats", "--steps", 2, *PLACE, "--out", "many.png").code == 0
    few = impasto("repaint", "many.png", "--sampler", "lcm", "--out", "few.png")
    assert few.code == 0 and "pocket's few-step student" in few.err
    shown = record(impasto, "few.png")
    assert (shown["steps"], shown["guidance"], len(shown["loras"])) == (3, 1.0, 1)
    same = impasto("repaint", "few.png", "--lora", "pocket-lcm", "--out", "same.png")
    assert (same.code, same.err) == (0, "")
    assert Path("same.png").read_bytes() == Path("few.png").read_bytes()
    back = impasto("repaint", "few.png", "--sampler", "dpm++", "--steps", 2, "--out", "back.png")
    assert (back.code, back.err) == (0, "")
    assert Path("back.png").read_bytes() == Path("many.png").read_bytes()


def test_another_tools_lcm_picture_takes_the_student(impasto: Impasto, student: Path) -> None:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", "a harbour\nSteps: 2, Sampler: LCM, CFG scale: 1, Seed: 4, Size: 64x64")
    Image.new("RGB", (8, 8)).save("foreign.png", pnginfo=info)
    assert impasto("repaint", "foreign.png", "--out", "ours.png").code == 0
    shown = record(impasto, "ours.png")
    assert (shown["sampler"], shown["steps"], shown["loras"][0]["path"]) == ("lcm", 2, "pocket-lcm")


def test_a_checkpoint_without_a_student_is_told_of(impasto: Impasto, tiny: Path) -> None:
    missing = impasto("paint", "boats", "--sampler", "lcm", *PLACE)
    check(missing, 1, "pocket's few-step student is not in")
    other = impasto("paint", "boats", "--sampler", "lcm", "--checkpoint", tiny, *PLACE, "--out", "other.png")
    assert other.code == 0 and other.err.startswith("note: lcm needs a distilled checkpoint or LoRA")
    again = impasto("repaint", "other.png", "--out", "again.png")
    assert (again.code, again.err) == (0, "")
    assert Path("again.png").read_bytes() == Path("other.png").read_bytes()


def test_a_student_of_ones_own(impasto: Impasto, tiny: Path, tmp_path: Path) -> None:
    catalogue = write_catalogue(tmp_path / "catalogue", 8)
    train = ("train", "distill", "--catalogue", catalogue, "--checkpoint", tiny, "--run", "runs/lcm", "--steps", 2)
    made = impasto(*train, "--updates", 2, "--batch", 4)
    assert (made.code, made.out) == (0, "runs/lcm/lora\n"), made.err
    assert "guidance=4.0" in made.err
    assert {layer.down.ndim for layer in load_lora("runs/lcm").unet.values()} == {2, 4}  # convolutions too
    paint = ("paint", "boats", "--checkpoint", tiny, *PLACE, "--out", "own.png")
    painted = impasto(*paint, "--sampler", "lcm", "--lora", "runs/lcm")
    assert (painted.code, painted.err) == (0, "")
    shown = record(impasto, "own.png")
    assert (shown["steps"], shown["guidance"], shown["loras"][0]["name"]) == (2, 1.0, "lcm")


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("paint", "boats", "--sampler", "lcm", "--checkpoint", "TINY", "--steps", 51), 2, "lcm takes at most 50"),
        (("paint", "boats", "--sampler", "lcm", "--lora", "pocket-lcm"), 1, "few-step student is not in"),
        (("train", "distill", "--catalogue", ".", "--steps", 0), 2, "steps 0: a student paints in 1 to 50"),
        (("train", "distill", "--catalogue", ".", "--steps", 4000), 2, "--updates and --minutes"),
        (("train", "distill", "--catalogue", ".", "--updates", 1, "--minutes", 1), 2, "--minutes or --updates, not both"),
        (("train", "distill", "--catalogue", ".", "--guidance", 0), 2, "guidance 0: use 1 to 50"),
        (("train", "distill", "--catalogue", "."), 1, "holds no"),
        (("train", "distill", "--catalogue", "nowhere"), 2, "there is no such folder"),
    ],
)
def test_what_cannot_be_is_one_line(
    impasto: Impasto, tiny: Path, arguments: tuple[Any, ...], code: int, word: str
) -> None:
    said = impasto(*(tiny if argument == "TINY" else argument for argument in arguments))
    assert said.code == code and word in said.err and "Traceback" not in said.err
    assert sum(line.startswith("error") for line in said.err.splitlines()) == 1

"""What a user does with guiders, end to end."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from PIL.PngImagePlugin import PngInfo
from tests.journeys.conftest import Impasto

QUICK = ("--size", 64, "--seed", 4)


@pytest.fixture
def guided(tmp_path: Path, tiny: Path) -> Path:
    """The tiny checkpoint with a guide in int8, which says how it is best painted with."""
    from tests.checkpoints.tiny import make_tiny_pocket

    from impasto.checkpoints.load import load_components
    from impasto.weights.int8 import save_int8

    folder = Path(shutil.copytree(tiny, tmp_path / "guided"))
    other = make_tiny_pocket(tmp_path / "other", seed=5)
    save_int8(load_components(str(other)).unet, folder / "guide")
    (folder / "painting.json").write_text('{"guider": "auto", "guidance": 2.5, "sampler": "ddim", "steps": 3}')
    return folder


def test_a_guided_painting_is_painted_again(impasto: Impasto, tmp_path: Path, guided: Path) -> None:
    painted = impasto("paint", "boats", "--checkpoint", guided, "--out", "boats.png", *QUICK)
    assert painted.code == 0 and painted.err == "", painted.err
    shown = impasto("show", "boats.png").out.splitlines()
    assert {"guider: auto", "guidance: 2.5", "sampler: ddim", "steps: 3"} <= set(shown)
    again = impasto("repaint", "boats.png", "--out", "again.png")
    assert again.code == 0 and (tmp_path / "again.png").read_bytes() == (tmp_path / "boats.png").read_bytes()

    # Another guider, with the guidance that goes with it.
    assert impasto("repaint", "boats.png", "--guider", "interval", "--out", "interval.png").code == 0
    shown = impasto("show", "interval.png").out.splitlines()
    assert {"guider: interval", "guidance: 5.0", "guidance interval: (0.1, 0.8)"} <= set(shown)
    assert impasto("repaint", "interval.png", "--out", "interval-again.png").code == 0
    assert (tmp_path / "interval-again.png").read_bytes() == (tmp_path / "interval.png").read_bytes()

    # And from A1111's text, when that is all that another tool left.
    with Image.open(tmp_path / "interval.png") as picture:
        text = PngInfo()
        text.add_text("parameters", picture.info["parameters"])
        picture.save(tmp_path / "left.png", pnginfo=text)
        assert impasto("repaint", "left.png", "--checkpoint", guided, "--out", "left-again.png").code == 0
        with Image.open(tmp_path / "left-again.png") as once_more:
            assert ImageChops.difference(picture, once_more).getbbox() is None


def test_a_sheet_over_guiders_keeps_its_cells(impasto: Impasto, guided: Path) -> None:
    sheet = ("grid", "boats", "--rows", "guider=cfg,interval,auto,apg,cfg++,pag", "--columns", "guidance=0.5,0.8")
    sheet += ("--checkpoint", guided, "--steps", 2, *QUICK)
    first = impasto(*sheet, "--json")
    assert first.code == 0 and json.loads(first.out)["painted"] == 12, first.err
    assert json.loads(impasto(*sheet, "--json").out)["painted"] == 0


def test_what_cannot_be(impasto: Impasto, guided: Path) -> None:
    own = ("--checkpoint", guided)
    for arguments, words in (
        (("--guider", "auto"), "pocket holds no guide/"),
        (("--guider", "cgf"), "unknown guider 'cgf'"),
        (("--guider", "cfg++", "--sampler", "dpm++"), "is defined for ddim and euler, not for dpm++"),
        (("--guider", "cfg++", "--guidance", 5), "guidance 5: the guider cfg++ takes 0 to 1"),
        (("--guider", "auto", "--negative", "storm", *own), "asks about no negative prompt"),
        (("--guidance-interval", "0.8,0.2"), "guidance interval 0.8,0.2"),
        (("--guidance-interval", "0.2,0.8", "--guider", "cfg"), "for the guider interval only"),
        (("--eta", "0.5"), "eta 0.5 has a meaning for ddim only, not for dpm++"),
    ):
        answer = impasto("paint", "boats", *arguments, *QUICK)
        assert answer.code == 2 and words in answer.err and answer.err.count("\n") == 1, answer.err
    assert impasto("paint", "boats", "--eta", "0.5", *own, *QUICK).code == 0  # that one is painted with ddim

"""A painting is made larger, and still says how it was painted; a broken picture does not stop the others."""

import json
from pathlib import Path

from PIL import Image
from tests.checkpoints.upscaler.random_upscaler import random_upscaler, save_pth
from tests.journeys.conftest import Impasto


def test_a_painting_made_larger_still_says_how_it_was_painted(impasto: Impasto) -> None:
    assert impasto("paint", "boats", "--steps", 2, "--seed", 3, "--out", "boats.png").code == 0
    answer = impasto("upscale", "boats.png", "--by", 4)
    assert (answer.code, answer.out, answer.err) == (0, "boats-x4.png\n", "")
    assert Image.open("boats-x4.png").size == (256, 256)
    shown = impasto("show", "boats-x4.png").out
    assert "prompt: boats\n" in shown and "seed: 3\n" in shown
    assert "upscaled: 64x64 by 4 with pocket-upscaler (" in shown
    assert json.loads(impasto("show", "boats-x4.png", "--json").out)["upscaled"][0]["by"] == 4
    assert "upscaled" not in impasto("show", "boats.png").out


def test_one_broken_picture_stops_no_other(impasto: Impasto, tmp_path: Path) -> None:
    save_pth(tmp_path / "other.pth", random_upscaler(4, 1, 4))
    Path("broken.png").write_bytes(b"no picture")
    for name in ("a.png", "b.jpg"):
        Image.new("RGB", (9, 7)).save(name)
    options = ("--model", "other.pth", "--out", "large", "--tile", 16, "--json")
    answer = impasto("upscale", "a.png", "broken.png", "b.jpg", "gone.png", *options)
    assert answer.code == 1
    made = [json.loads(line) for line in answer.out.splitlines()]
    assert [Path(one["file"]) for one in made] == [Path("large/a-x2.png"), Path("large/b-x2.png")]
    assert [(one["width"], one["height"], one["model"]) for one in made] == [(18, 14, "other")] * 2
    lines = answer.err.splitlines()
    assert len(lines) == 3 and "broken.png" in lines[0] and "gone.png" in lines[1] and "2 of 4" in lines[2]


def test_what_cannot_be_asked(impasto: Impasto) -> None:
    Image.new("RGB", (9, 7)).save("a.png")
    Path("bad.pth").write_bytes(b"?")
    for options, code, word in (
        (("--by", 3), 2, "--by 3"),
        (("--tile", 1), 2, "--tile 1"),
        (("--model", "nothing"), 2, "pocket-upscaler"),
        (("--model", "bad.pth"), 1, "bad.pth"),
        (("--out", "a.png"), 2, "a.png"),
        (("--device", "abacus"), 2, "abacus"),
    ):
        answer = impasto("upscale", "a.png", *options)
        assert answer.code == code and word in answer.err and answer.err.count("\n") == 1, options
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["a.png", "bad.pth"]

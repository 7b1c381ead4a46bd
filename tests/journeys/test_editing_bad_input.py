"""What an edit cannot be made from: one line, the right exit code, and nothing left behind."""

from pathlib import Path

import pytest
from PIL import Image
from tests.journeys.conftest import Impasto
from tests.journeys.test_bad_input import Case, check, tree
from tests.painting.editing.pictures import box_mask, drawn, write
from tests.painting.editing.test_source import _header_only

QUICK = ("--steps", 2, "--seed", 1)


def scene(folder: Path) -> None:
    write(drawn(72, 64), folder / "a.png")
    write(box_mask((72, 64), (9, 9, 40, 40)), folder / "m.png")
    write(box_mask((60, 64), (9, 9, 40, 40)), folder / "small.png")
    write(drawn(16, 16), folder / "anim.gif", save_all=True, append_images=[drawn(16, 16, 1)])
    write(drawn(1, 1), folder / "dot.png")
    write(drawn(2500, 64), folder / "long.png")
    write(Image.new("RGBA", (72, 64), (9, 9, 9, 0)), folder / "clear.png")
    (folder / "huge.png").write_bytes(_header_only(20_000, 20_000))
    (folder / "text.png").write_text("no picture")
    (folder / "folder").mkdir()


def over(name: str, code: int, word: str, *arguments: object) -> Case:
    return Case(name, code, word, ("paint", "boats", "--from", *arguments, *QUICK), scene)


def inpaint(name: str, code: int, word: str, *arguments: object) -> Case:
    return Case(name, code, word, ("inpaint", *arguments, *QUICK), scene)


def outpaint(name: str, code: int, word: str, *arguments: object) -> Case:
    return Case(name, code, word, ("outpaint", *arguments, *QUICK), scene)


MASKED = ("a.png", "a boat", "--mask", "m.png")
CASES = [
    over("from nothing", 2, "--from none.png: there is no such file", "none.png"),
    over("from a folder", 2, "--from folder is a folder", "folder"),
    over("from a text", 1, "text.png: not a picture", "text.png"),
    over("from an animation", 2, "anim.gif holds 2 pictures", "anim.gif"),
    over("from a dot", 2, "1x1 px is too small", "dot.png"),
    over("from a huge one", 1, "huge.png: more than 100 megapixels", "huge.png"),
    over("from nothing visible", 2, "clear.png is wholly transparent", "clear.png"),
    over("strength above 1", 2, "strength 1.5", "a.png", "--strength", 1.5),
    over("strength below 0", 2, "strength -1", "a.png", "--strength", -1),
    over("no number of strength", 2, "strength nan", "a.png", "--strength", "nan"),
    over("no such fit", 2, "--fit 'squeeze'", "a.png", "--fit", "squeeze"),
    over("no such keeping", 2, "--keep-source 'all'", "a.png", "--keep-source", "all"),
    over("too large a size", 2, "cannot be painted at once", "a.png", "--size", "4000x64"),
    over("too small a size", 2, "width 4", "a.png", "--size", "4"),
    Case("strength of nothing", 2, "--strength is for a picture to start from",
         ("paint", "boats", "--strength", 0.5, *QUICK)),
    Case("fit of nothing", 2, "--fit is for a picture to start from", ("paint", "boats", "--fit", "pad", *QUICK)),
    Case("keeping nothing", 2, "--keep-source is for", ("paint", "boats", "--keep-source", "inside", *QUICK)),
    inpaint("no mask", 2, "there is no mask", "a.png", "a boat"),
    inpaint("two masks", 2, "--box and --mask are two masks", *MASKED, "--box", "1,2,3,4"),
    inpaint("mask of another size", 2, "small.png: it has 60x64 px, and a.png 72x64",
            "a.png", "a boat", "--mask", "small.png"),
    inpaint("no mask there", 2, "--mask none.png: there is no such file", "a.png", "a boat", "--mask", "none.png"),
    inpaint("an animated mask", 2, "--mask anim.gif holds 2 pictures", "a.png", "a boat", "--mask", "anim.gif"),
    inpaint("a mask without alpha", 2, "--mask m.png has no alpha channel", *MASKED, "--mask-alpha"),
    inpaint("a picture without alpha", 2, "a.png has no alpha channel", "a.png", "a boat", "--mask-alpha"),
    inpaint("no picture", 2, "none.png: there is no such file", "none.png", "a boat", "--box", "1,2,3,4"),
    inpaint("a broken box", 2, "--box '1,2'", "a.png", "a boat", "--box", "1,2"),
    inpaint("a box outside", 2, "holds nothing of a.png", "a.png", "a boat", "--box", "100,0,5,5"),
    inpaint("no such method", 2, "--method 'erase'", *MASKED, "--method", "erase"),
    inpaint("no such fill", 2, "--fill 'red'", *MASKED, "--fill", "red"),
    inpaint("no such outside", 2, "--keep-outside 'white'", *MASKED, "--keep-outside", "white"),
    inpaint("no such background", 2, "--background 'sky'", *MASKED, "--background", "sky"),
    inpaint("padding of nothing", 2, "--padding 8 is for --only-masked", *MASKED, "--padding", 8),
    inpaint("negative blur", 2, "--mask-blur -1", *MASKED, "--mask-blur", -1),
    inpaint("thin and soft", 2, "--thin 2 is for --method blend", *MASKED, "--thin", 2, "--method", "soft"),
    inpaint("resizing a box", 2, "--resize-mask is for --mask", "a.png", "a boat", "--box", "1,2,9,9", "--resize-mask"),
    inpaint("another kind of checkpoint", 2, "needs a checkpoint trained for inpainting", *MASKED, "--method", "model"),
    inpaint("too large at once", 2, "2500x64 px cannot be painted at once", "long.png", "a boat", "--box", "9,9,30,30"),
    inpaint("nothing to paint", 2, "nothing to paint", "a.png", "--mask", "m.png"),
    inpaint("none of it", 2, "count 0", *MASKED, "--count", 0),
    outpaint("no side", 2, "there is nothing to add", "a.png", "sky"),
    outpaint("a negative side", 2, "--left -8", "a.png", "sky", "--left", -8),
    outpaint("an endless side", 2, "--up 100000", "a.png", "sky", "--up", 100_000),
    outpaint("greys", 2, "--method soft is for grey masks", "a.png", "sky", "--up", 8, "--method", "soft"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_line_and_nothing_left(case: Case, impasto: Impasto, tmp_path: Path) -> None:
    case.prepare(tmp_path)
    before = tree(tmp_path)
    check(impasto(*case.arguments), case.code, case.word)
    assert tree(tmp_path) == before


def test_strength_of_a_painting_without_a_source(impasto: Impasto, tmp_path: Path) -> None:
    assert impasto("paint", "boats", "--size", 64, "--out", "made.png", *QUICK).code == 0
    before = tree(tmp_path)
    for option in (("--strength", 0.5), ("--source", ".")):
        check(impasto("repaint", "made.png", *option), 2, "did not start from a picture")
    assert tree(tmp_path) == before


def test_another_size_of_an_inpainted_picture(impasto: Impasto, tmp_path: Path) -> None:
    scene(tmp_path)
    assert impasto("inpaint", *MASKED, "--out", "made.png", *QUICK).code == 0
    before = tree(tmp_path)
    check(impasto("repaint", "made.png", "--size", 128), 2, "has 72x64")
    check(impasto("repaint", "made.png", "--strength", 2), 2, "strength 2")
    assert tree(tmp_path) == before

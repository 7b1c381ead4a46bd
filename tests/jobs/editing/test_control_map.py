import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from impasto.errors import ImpastoError, UsageError
from impasto.jobs import job_from_json
from impasto.jobs.context import Context
from impasto.jobs.editing.control_map import ControlMapJob
from impasto.vision.control_maps.makers import parse_maker

pytest.importorskip("cv2")


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    image = Image.new("RGB", (80, 60), "white")
    ImageDraw.Draw(image).ellipse((20, 10, 60, 50), outline="black", width=3)
    image.save(tmp_path / "drawing.png")
    return tmp_path / "drawing.png"


def test_the_map_lies_beside_its_picture(drawing: Path) -> None:
    job = ControlMapJob(condition="canny:100:200", pictures=(drawing,))
    assert job_from_json(job.to_json()) == job
    (made,) = job.run(Context())
    assert made.path == drawing.with_name("drawing-canny.png")
    wanted = np.asarray(parse_maker("canny:100:200")(Image.open(drawing)))
    assert np.array_equal(np.asarray(Image.open(made.path)), wanted)
    with pytest.raises(UsageError, match="exists already: --overwrite"):
        job.run(Context())
    job.model_copy(update={"overwrite": True}).run(Context())


def test_a_phones_picture_is_upright_and_reduced(tmp_path: Path) -> None:
    image = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(image).rectangle((0, 0, 299, 60), fill="black")
    exif = Image.Exif()
    exif[0x0112] = 6  # on its side: the black bar is on the right
    image.save(tmp_path / "photo.jpg", exif=exif)
    job = ControlMapJob(condition="grey", pictures=(tmp_path / "photo.jpg",), side=50, out=tmp_path / "maps")
    (made,) = job.run(Context())
    assert (made.path, made.width, made.height) == (tmp_path / "maps" / "photo-grey.png", 50, 75)
    shown = np.asarray(Image.open(made.path).convert("L"))
    assert shown[:, 40:].mean() < 60 < 200 < shown[:, :30].mean()


def test_a_drawing_gives_its_strokes_whatever_the_kind(drawing: Path, tmp_path: Path) -> None:
    job = ControlMapJob(condition="canny", pictures=(drawing,), from_drawing=True, out=tmp_path / "lines.png")
    (made,) = job.run(Context())
    strokes = np.asarray(Image.open(made.path).convert("L")) > 127
    assert np.array_equal(strokes, np.asarray(Image.open(drawing).convert("L")) < 127)


def test_one_broken_picture_is_named_and_the_others_go_on(drawing: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    failures: list[str] = []
    job = ControlMapJob(condition="grey", pictures=(tmp_path / "broken.jpg", drawing), out=tmp_path / "out")
    with pytest.raises(ImpastoError, match="1 of 2 maps could not be made"):
        job.run(Context(on_event=lambda event: failures.append(str(event))))
    assert any("broken.jpg" in line for line in failures)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["drawing-grey.png"]


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"condition": "edges"}, "unknown control 'edges'"),
        ({"condition": "map"}, "nothing to make"),
        ({"pictures": ()}, "nothing to make a map of"),
        ({"condition": "blur", "from_drawing": True}, "use scribble"),
        ({"side": 3}, "side 3: use 16 to 8192"),
        ({"out": "lines.jpg"}, "a map is a .png file"),
        ({"out": "lines.png", "pictures": ("a.png", "b.png")}, "one file for 2 pictures"),
    ],
)
def test_wrong_requests_are_one_sentence(fields: dict[str, object], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        ControlMapJob(**{"condition": "canny", "pictures": ("a.png",), **fields})


def test_the_verb_prints_the_files(drawing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from impasto.cli.main import main

    with pytest.raises(SystemExit) as ended:
        main(["control", "map", "scribble", str(drawing), "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["condition"] == "scribble"
    with pytest.raises(SystemExit):
        main(["control", "kinds"])
    assert "canny[:LOW][:HIGH]" in capsys.readouterr().out

from pathlib import Path

import pytest
from PIL import Image
from tests.evaluation.painted_folders import write_paintings

from impasto.data.catalogue.read import read_catalogue
from impasto.evaluation.inspection import notes_on_pictures, shared_pictures


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    return write_paintings(tmp_path / "paintings", 4)


def notes(folder: Path) -> list[str]:
    found = notes_on_pictures(folder, read_catalogue(folder, check_images=False).entries)
    assert all(note.startswith(f"{folder}: ") for note in found)
    return [note.removeprefix(f"{folder}: ") for note in found]


def test_nothing_is_said_of_pictures_that_are_as_they_should_be(folder: Path) -> None:
    opaque = Image.open(folder / "0.png").convert("RGBA")
    opaque.save(folder / "0.png")
    assert notes(folder) == []


def test_everything_odd_is_named(folder: Path) -> None:
    Image.new("RGB", (96, 64), "black").save(folder / "black.png")
    half = Image.open(folder / "0.png").convert("RGBA")
    half.putalpha(Image.linear_gradient("L").resize(half.size))
    half.save(folder / "half.png")
    (folder / "twin.png").write_bytes((folder / "1.png").read_bytes())
    (folder / "broken.png").write_bytes(b"")
    for name in ("a.txt", "b.csv", "c.md", "d.heic", ".hidden"):
        (folder / name).write_text("x")
    assert notes(folder) == [
        "pictures of 2 sizes (6 of 64x64, 1 of 96x64): all are brought to one before they are compared",
        "transparent parts, which count as white, in half.png",
        "of one colour, as a painter leaves them that failed: black.png",
        "the same file under another name, which counts twice: twin.png",
        "no pictures, and left alone: a.txt, b.csv, c.md and 1 more",
    ]


def test_paintings_that_are_real_pictures_are_found(folder: Path, tmp_path: Path) -> None:
    real = write_paintings(tmp_path / "real", 3, first_seed=7)
    (folder / "stolen.png").write_bytes((real / "2.png").read_bytes())
    ours, theirs = (read_catalogue(place, check_images=False).entries for place in (folder, real))
    assert shared_pictures(ours, theirs) == ["stolen.png"]

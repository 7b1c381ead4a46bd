"""What a user does with a checkpoint's memory, end to end."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.journeys.conftest import Impasto
from tests.painting.memory.drawn_memory import drawn_memory

from impasto.checkpoints.memory import save_memory

QUICK = ("--steps", 2, "--size", 64)


@pytest.fixture
def works(tmp_path: Path) -> Path:
    """An artist's works, one of them broken."""
    folder = tmp_path / "works" / "Gabriele Münter"
    folder.mkdir(parents=True)
    draw = np.random.default_rng(1)
    for n in range(6):
        Image.fromarray(draw.integers(0, 255, (72, 90, 3), np.uint8)).save(folder / f"{n}.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    return folder.parent


@pytest.fixture
def remembering(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny checkpoint with a memory, as pocket."""
    folder = shutil.copytree(tiny, tmp_path / "remembering")
    save_memory(drawn_memory(), folder / "memory")
    return folder


def test_works_looked_at_are_told_and_looked_at_again(
    impasto: Impasto, tmp_path: Path, remembering: Path, works: Path
) -> None:
    pocket = ("--checkpoint", remembering)
    assert "works: 60" in impasto("checkpoints", "inspect", remembering).out.splitlines()
    painted = impasto("paint", "boats at sunset", "--artist", "monet", "--seed", 3, *pocket, *QUICK)
    assert painted.code == 0 and painted.err == "", painted.err
    file = tmp_path / "pictures" / "boats-at-sunset-1.png"
    shown = impasto("show", file).out
    assert shown.count("looked at: ") == 4 and ", Claude Monet (" in shown and "memory: the checkpoint's (" in shown
    again = impasto("repaint", file, "--out", "again.png")
    assert again.code == 0 and (tmp_path / "again.png").read_bytes() == file.read_bytes()
    alone = json.loads(impasto("paint", "boats at sunset", "--memory", "none", *pocket, *QUICK, "--json").out)
    assert alone["memory"]["source"] == "none" and alone["memory"]["works"] == []

    # Any artist's works, then gone: the record is enough for the same picture.
    other = impasto("paint", "boats", "--memory", "works", "--out", "other.png", "--seed", 4, *pocket, *QUICK)
    assert other.code == 0 and "broken.jpg" in other.err and other.err.count("note: ") == 1, other.err
    like = impasto("paint", "--like", works / "Gabriele Münter" / "0.png", "--like", f"{file}:0.5", "--out", "like.png",
                   "--count", 1, *pocket, *QUICK)  # fmt: skip
    assert like.code == 0, like.err
    shutil.rmtree(works)
    for name in ("other", "like"):
        again = impasto("repaint", f"{name}.png", "--out", f"{name}-again.png")
        assert again.code == 0 and again.err == "", again.err
        assert (tmp_path / f"{name}-again.png").read_bytes() == (tmp_path / f"{name}.png").read_bytes()
    shown = impasto("show", "like.png").out
    assert "like: 0.png:1 (" in shown and "like: boats-at-sunset-1.png:0.5 (" in shown
    assert impasto("repaint", "like.png", "--seed", 5, "--out", "like-5.png").code == 0


def test_a_sheet_over_memories_keeps_its_cells(impasto: Impasto, remembering: Path, works: Path) -> None:
    sheet = ("grid", "boats", "--rows", f"memory=none,{works}", "--columns", "seed=1,2", "--checkpoint", remembering, *QUICK)
    first = impasto(*sheet, "--json")
    assert first.code == 0 and json.loads(first.out)["painted"] == 4, first.err
    assert json.loads(impasto(*sheet, "--json").out)["painted"] == 0
    (works / "Gabriele Münter" / "0.png").unlink()
    assert json.loads(impasto(*sheet, "--json").out)["painted"] == 2  # the folder's cells
    like = ("--rows", f"like=none,{works / 'Gabriele Münter' / '1.png'}", "--columns", "seed=1,2", "--out", "like.png")
    shown = impasto("grid", "boats", *like, "--checkpoint", remembering, *QUICK, "--json")
    assert shown.code == 0 and json.loads(shown.out)["painted"] == 4, shown.err
    assert json.loads(impasto("grid", "boats", *like, "--checkpoint", remembering, *QUICK, "--json").out)["painted"] == 0
    assert impasto("show", "grid.png", "--cell", "2,1").out.count("looked at: ") == 4


def test_what_cannot_be(impasto: Impasto, tmp_path: Path, remembering: Path, works: Path) -> None:
    (tmp_path / "empty").mkdir()
    picture = works / "Gabriele Münter" / "0.png"
    for arguments, code, said in (
        (("boats", "--memory", works), 2, "pocket has no memory"),
        (("boats", "--like", picture), 2, "pocket has no memory"),
        (("boats", "--memory", "gone", "--checkpoint", remembering), 2, "--memory gone: there is no such folder"),
        (("boats", "--memory", "empty", "--checkpoint", remembering), 1, "empty holds no usable picture"),
        (("--like", "gone.png", "--checkpoint", remembering), 1, "gone.png: there is no such file"),
        (("--like", f"{picture}:-1", "--checkpoint", remembering), 2, "weight -1"),
        (("--checkpoint", remembering), 2, "nothing to paint"),
    ):
        answer = impasto("paint", *arguments, *QUICK)
        assert answer.code == code and said in answer.err and len(answer.err.splitlines()) == 1, answer.err

"""What a user does with sheets of paintings: make one, look into it, stop and go on, get it wrong."""

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.checkpoints.tiny import make_tiny_pocket
from tests.journeys.conftest import Answer, Impasto
from tests.journeys.grid_child import grid_in_child
from tests.journeys.test_bad_input import check, tree
from tests.journeys.test_lora_journeys import draw
from tests.training.fork_server import start

QUICK = ("--steps", 2, "--size", 64)
PROMPTS = "boats at sunset\n\na harbour, evening\n"


@pytest.fixture(autouse=True)
def prompts(tmp_path: Path, impasto: Impasto) -> None:
    """prompts.txt in the folder where commands run."""
    (tmp_path / "prompts.txt").write_text(PROMPTS, "utf-8")


def made(answer: Answer) -> dict:
    assert (answer.code, answer.err) == (0, ""), answer.err
    return json.loads(answer.out)


def test_prompts_by_artists_and_a_look_into_the_sheet(impasto: Impasto, tmp_path: Path) -> None:
    answer = impasto("grid", "--prompts", "prompts.txt", "--artists", "monet, durer", *QUICK)
    assert (answer.code, answer.err) == (0, ""), answer.err
    assert answer.out.startswith("grid.png  2 x 2 cells: 4 painted, 0 kept in grid-cells  ")
    assert len(list((tmp_path / "grid-cells").iterdir())) == 4
    with Image.open("grid.png") as sheet:
        assert sheet.width > 2 * 64 and sheet.height > 2 * 64

    shown = impasto("show", "grid.png").out.splitlines()
    for line in ("rows: prompt: boats at sunset; a harbour, evening", "columns: artist: Claude Monet; Albrecht Dürer",
                 "seed: 1", "steps: 2"):  # fmt: skip
        assert line in shown
    assert "artist: Albrecht Dürer" in impasto("show", "grid.png", "--cell", "2,2").out.splitlines()
    cell = json.loads(impasto("show", "grid.png", "--cell", "2,1", "--json").out)
    assert (cell["prompt"], cell["condition"]["artist"]) == ("a harbour, evening", "Claude Monet")

    # A cell is a painting like any other: its own record is the sheet's, and it can be painted again.
    (file,) = (tmp_path / "grid-cells").glob("a-harbour-evening-by-claude-monet-*.png")
    assert json.loads(impasto("show", file, "--json").out) == cell
    assert impasto("repaint", file, "--out", "again.png").code == 0
    assert Path("again.png").read_bytes() == file.read_bytes()

    # The same again paints nothing; one more artist paints his cells only, a torn cell is painted anew.
    sheet = Path("grid.png").read_bytes()
    again = made(impasto("grid", "--prompts", "prompts.txt", "--artists", "monet,durer", *QUICK, "--json"))
    assert (again["painted"], again["kept"]) == (0, 4) and Path("grid.png").read_bytes() == sheet
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    more = made(impasto("grid", "--columns", "prompt=@prompts.txt", "--artists", "klimt,monet,durer", *QUICK, "--json"))
    assert (more["painted"], more["kept"]) == (3, 3) and file.read_bytes() == whole
    assert more["rows"] == {"name": "artist", "titles": ["Gustav Klimt", "Claude Monet", "Albrecht Dürer"]}
    assert more["cells"][1][1] == f"grid-cells/{file.name}"


def test_other_axes_and_other_files(impasto: Impasto, tmp_path: Path) -> None:
    boats = ("grid", "boats", "--size", 64, "--json")
    made(impasto(*boats, "--rows", "sampler=ddim,dpm++", "--columns", "steps=2,3", "--out", "sheet.webp"))
    cell = json.loads(impasto("show", "sheet.webp", "--cell", "1,2", "--json").out)
    assert (cell["sampler"], cell["steps"]) == ("ddim", 3)

    small = ("--steps", 2, "--cell", 32, "--out", "sheet.pdf")
    answer = impasto(*boats, "--rows", "guidance=1,5", "--columns", "seed=7-8", *small)
    assert made(answer)["columns"]["titles"] == ["seed 7", "seed 8"]
    cell = json.loads(impasto("show", "sheet.pdf", "--cell", "2,2", "--json").out)
    assert (cell["guidance"], cell["seed"]) == (5.0, 8)
    assert impasto("paint", "boats", "--seed", 8, *QUICK, "--out", "alone.png").code == 0
    (file,) = [path for path in (tmp_path / "sheet-cells").iterdir() if path.read_bytes() == Path("alone.png").read_bytes()]
    assert str(file.relative_to(tmp_path)) == json.loads(answer.out)["cells"][1][1]


def test_checkpoints_by_prompts(impasto: Impasto, tmp_path: Path) -> None:
    make_tiny_pocket(tmp_path / "other", seed=2)
    made(impasto("grid", "--rows", "checkpoint=pocket,other", "--prompts", "prompts.txt", *QUICK, "--json"))
    cells = json.loads(impasto("show", "grid.png", "--json").out)["cells"]
    assert [[cell["checkpoint"] for cell in row] for row in cells] == [["pocket"] * 2, ["other"] * 2]
    assert len({cell["checkpoint_hash"] for row in cells for cell in row}) == 2


def test_loras_by_scales(impasto: Impasto, tiny: Path, tmp_path: Path) -> None:
    from impasto.adapters.lora.export import save_lora

    save_lora(tmp_path / "monet", draw(tiny, 1))
    words = ("grid", "boats", "--rows", "lora=none,monet", "--columns", "scale=0,0.5", *QUICK, "--json")
    first = made(impasto(*words))
    # Without a LoRA, and with one of scale 0, it is the plain painting: painted once for three cells.
    assert first["painted"] == 2 and len({name for row in first["cells"] for name in row}) == 2
    assert json.loads(impasto("show", "grid.png", "--cell", "2,2", "--json").out)["loras"][0]["scale"] == 0.5
    again = made(impasto(*words))
    assert (again["painted"], again["kept"]) == (0, 2)


def test_killed_it_paints_only_what_is_missing(impasto: Impasto, tiny: Path, tmp_path: Path) -> None:
    words = ["--prompts", "prompts.txt", "--rows", "seed=1-4", "--batch", "1", "--json", *map(str, QUICK)]
    for after in (1, 2):
        child, saved = start(grid_in_child, tmp_path, tiny, words)
        for _ in range(after):
            saved.recv()
        child.kill()
        child.join()
    cells = tmp_path / "grid-cells"
    kept = {path: path.stat().st_mtime_ns for path in cells.glob("[!.]*.png")}
    assert 3 <= len(kept) < 8 and not Path("grid.png").exists()
    last = made(impasto("grid", *words))
    assert (last["painted"], last["kept"]) == (8 - len(kept), len(kept))
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert sorted(path.name for path in cells.glob("[!.]*.png")) == sorted(
        Path(name).name for row in last["cells"] for name in row
    )


def test_ctrl_c_keeps_what_is_finished(impasto: Impasto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.painting.painting import Painting

    save, saved = Painting.save, []

    def save_then_interrupt(self: Painting, path: Path, **named: bool) -> Path:
        if len(saved) == 2:
            raise KeyboardInterrupt
        saved.append(save(self, path, **named))
        return path

    monkeypatch.setattr(Painting, "save", save_then_interrupt)
    stopped = impasto("grid", "boats", "--rows", "seed=1-4", *QUICK)
    check(stopped, 130, "stopped: 2 of 4 cells are painted and kept in grid-cells")
    assert len(list((tmp_path / "grid-cells").iterdir())) == 2 and not Path("grid.png").exists()
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("code", "words", "arguments"),
    [
        (2, "a sheet needs an axis", ("boats",)),
        (2, "empty.txt is empty: write one prompt a line into it", ("--prompts", "empty.txt")),
        (2, "nowhere.txt: there is no such file", ("--prompts", "nowhere.txt")),
        (1, "old.png cannot be read: it is no text: save it as UTF-8", ("--prompts", "old.png")),
        (2, "knows no artist 'Monnet'; the nearest are Claude Monet", ("boats", "--artists", "Monnet,Rembrandt")),
        (2, "there is no axis 'painter'", ("boats", "--rows", "painter=Monet")),
        (2, "both the rows and the columns", ("boats", "--rows", "seed=1", "--columns", "seed=2")),
        (2, "a third axis", ("--prompts", "prompts.txt", "--rows", "seed=1", "--columns", "steps=2")),
        (2, "leave --artist away", ("boats", "--artist", "monet", "--artists", "Rembrandt")),
        (2, "leave PROMPT away", ("boats", "--prompts", "prompts.txt")),
        (2, "unknown sampler 'magic'", ("boats", "--rows", "sampler=ddim,magic")),
        (2, "steps 0: use 1 to 1000", ("boats", "--rows", "steps=0,5")),
        (2, "size '64 by 64'", ("boats", "--rows", "size=64 by 64")),
        (2, "nothing to paint", ("--rows", "seed=1-2")),
        (1, "nowhere", ("boats", "--rows", "checkpoint=pocket,nowhere/at/all")),
        (1, "nowhere.safetensors", ("boats", "--rows", "lora=nowhere.safetensors")),
        (2, "ends in .png, .webp or .pdf", ("boats", "--rows", "seed=1-2", "--out", "sheet.gif")),
        (2, "there is no folder nowhere", ("boats", "--rows", "seed=1-2", "--out", "nowhere/sheet.png")),
        (2, "is there already and is no sheet", ("boats", "--rows", "seed=1-2", "--out", "old.png")),
        (2, "16383 px", ("boats", "--rows", "seed=1-300", "--size", 64, "--out", "sheet.webp")),
        (2, "178 million", ("boats", "--rows", "seed=1-50", "--columns", "guidance=1,2,3,4,5,6,7", "--size", 1024)),
        (2, "cell 5: use 16 to 4096", ("boats", "--rows", "seed=1-2", "--cell", 5)),
        (2, "batch 0", ("boats", "--rows", "seed=1-2", "--batch", 0)),
    ],
)
def test_bad_input_is_one_sentence(
    impasto: Impasto, tmp_path: Path, code: int, words: str, arguments: tuple[object, ...]
) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    Image.new("RGB", (8, 8)).save(tmp_path / "old.png")
    before = tree(tmp_path)
    check(impasto("grid", *arguments), code, words)
    assert tree(tmp_path) == before


def test_a_disk_that_fills_up(impasto: Impasto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    before = tree(tmp_path)
    check(impasto("grid", "boats", "--rows", "seed=1-2", *QUICK), 1, "No space left on device")
    assert tree(tmp_path) == before


def test_a_look_at_what_is_no_sheet(impasto: Impasto) -> None:
    Image.new("RGB", (8, 8)).save("plain.png")
    check(impasto("show", "plain.png", "--cell", "1,1"), 2, "plain.png is no sheet of `impasto grid`")
    check(impasto("show", "gone.pdf"), 1, "gone.pdf: no such file")

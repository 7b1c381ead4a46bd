"""Sheets as files: what is embedded is read again from each kind, and what cannot be is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from impasto.checkpoints.applied_adapters import AppliedConcept, AppliedLora
from impasto.errors import ImpastoError, UsageError
from impasto.painting.foreign import RecordError
from impasto.painting.provenance.record import Provenance, read_provenance
from impasto.painting.sheets.file import check_size, is_sheet, read_sheet, save_sheet
from impasto.painting.sheets.record import SheetAxis, SheetRecord

FIRST = Provenance(
    prompt="boats, “at” sunset", condition={"caption": "boats, “at” sunset", "artist": "Albrecht Dürer"}, expansion=None,
    negative="", seed=1, sampler="dpm++", steps=20, guidance=5.0, eta=0.0, width=64, height=64, checkpoint="pocket",
    checkpoint_hash="ab" * 32, version="0.1.0", text="boats, “at” sunset, by Albrecht Dürer",
    loras=(AppliedLora("monet", "runs/monet", "cd" * 32, 0.8),), concepts=(AppliedConcept("<x>", "x", "ef" * 32, 1),),
)  # fmt: skip


def record(rows: int = 2, columns: int = 3) -> SheetRecord:
    cells = tuple(tuple(replace(FIRST, seed=10 * row + n, steps=n + 1) for n in range(columns)) for row in range(rows))
    axes = [SheetAxis(name, tuple(f"{name} {n}" for n in range(many))) for name, many in (("a", rows), ("b", columns))]
    return SheetRecord(axes[0], axes[1], cells)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".pdf", ".PNG"])
def test_each_cell_is_read_again(suffix: str, tmp_path: Path) -> None:
    path, made = tmp_path / f"sheet{suffix}", record()
    save_sheet(Image.new("RGB", (90, 60), "red"), made, path)
    assert read_sheet(path) == made and is_sheet(path)
    assert made.cell(2, 3) == made.cells[1][2]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    if suffix != ".pdf":
        assert Image.open(path).size == (90, 60)
        with pytest.raises(ImpastoError, match="is a sheet of paintings"):
            read_provenance(path)


def test_what_all_cells_share_is_said_once() -> None:
    text = record(20, 30).to_json()
    assert text.count("by Albrecht") == 1 and text.isascii()
    assert len(text) < 600 * 60
    assert SheetRecord.from_json(text) == record(20, 30)


def test_a_cell_that_is_not_there() -> None:
    for row, column in ((0, 1), (3, 1), (1, 4)):
        with pytest.raises(UsageError, match="2 rows and 3 columns"):
            record().cell(row, column)


@pytest.mark.parametrize(
    "change",
    [
        {"cells": []},
        {"cells": [[{}]]},
        {"rows": {"name": "a", "titles": []}},
        {"rows": {"name": "a", "titles": ["\x1b[2J", "b"]}},
        {"columns": 7},
        {"rows": {"name": "a", "titles": ["x"] * 5000}, "columns": {"name": "b", "titles": ["y"] * 5000}},
        {"shared": {}},
        {"cells": [[{"seed": 1, "steps": 1, "evil": 1}] * 3] * 2},
        {"cells": [[{"seed": 1, "steps": 1}] * 3, [{"seed": 1, "steps": "1"}] * 3]},
    ],
)
def test_a_strangers_record_is_checked(change: dict[str, object]) -> None:
    with pytest.raises(RecordError):
        SheetRecord.from_json(json.dumps(json.loads(record().to_json()) | change))


def test_files_that_are_no_sheets(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.pdf")
    assert read_sheet(tmp_path / "plain.png") is None and read_sheet(tmp_path / "plain.pdf") is None
    (tmp_path / "torn.pdf").write_bytes((tmp_path / "plain.pdf").read_bytes()[:200])
    with pytest.raises(ImpastoError, match="cannot be read"):
        read_sheet(tmp_path / "torn.pdf")
    assert not is_sheet(tmp_path / "torn.pdf") and not is_sheet(tmp_path / "gone.png")


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("a.webp", (16_384, 10), "ends at 16383 px a side"),
        ("a.pdf", (70_000, 10), "ends at 65500 px a side"),
        ("a.png", (20_000, 10_000), "178 million"),
    ],
)
def test_a_sheet_that_no_file_can_hold(name: str, size: tuple[int, int], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_size(Path(name), *size)


def test_kinds_of_file_and_lengths_that_cannot_be(tmp_path: Path) -> None:
    sheet = Image.new("RGB", (8, 8))
    with pytest.raises(UsageError, match=r"ends in \.png, \.webp or \.pdf"):
        save_sheet(sheet, record(), tmp_path / "sheet.gif")
    with pytest.raises(ImpastoError, match="cannot write"):
        save_sheet(sheet, record(), tmp_path / "nowhere" / "sheet.png")
    endless = replace(FIRST, prompt="x" * 3_000_000)
    cells = ((endless, replace(endless, prompt="y" * 3_000_000)),)
    with pytest.raises(UsageError, match="make several"):
        SheetRecord(SheetAxis("", ("",)), SheetAxis("b", ("1", "2")), cells).to_json()
    assert list(tmp_path.iterdir()) == []

"""The folder of pairs: nothing finished is lost, and nothing of other settings is mixed in."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from impasto.data.catalogue.read import read_catalogue
from impasto.data.instruction_pairs import InstructionPairs
from impasto.errors import ImpastoError, UsageError

SETTINGS: dict[str, Any] = {"seed": 0, "kinds": ["season"], "min_direction": 0.1}


def add(pairs: InstructionPairs, text: str = "make it winter") -> None:
    number = pairs.next
    for file, colour in zip(pairs.files(number), ((number, 9, 9), (9, 9, number)), strict=True):
        Image.new("RGB", (32, 32), colour).save(file)
    pairs.keep(number, {"text": text, "captions": ["let it be winter"]})


def test_it_is_a_catalogue_that_names_the_pictures_before(tmp_path: Path) -> None:
    with InstructionPairs(tmp_path / "pairs", SETTINGS) as pairs:
        add(pairs)
        pairs.refuse(pairs.next, "direction", {"text": "make it night"})
        add(pairs, "make it spring")
        assert (pairs.kept, pairs.next, dict(pairs.refused)) == (2, 3, {"direction": 1})
    found = read_catalogue(tmp_path / "pairs")
    assert [entry.file_name for entry in found.entries] == ["edited/000000.png", "edited/000002.png"]
    assert [entry.caption for entry in found.entries] == ["make it winter", "make it spring"]
    assert found.entries[0].variants == ("let it be winter",)
    before = found.entries[1].conditions["input_file_name"]
    assert before == (tmp_path / "pairs" / "input" / "000002.png").resolve()
    assert [skip.file_name for skip in found.report.skipped] == ["input/000000.png", "input/000002.png"]


def test_it_goes_on_after_a_kill_in_the_middle_of_a_row(tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    with InstructionPairs(folder, SETTINGS) as pairs:
        add(pairs)
        pairs.refuse(1, "fit", {})
        add(pairs)
    with (folder / "metadata.jsonl").open("a") as log:
        log.write('{"file_name": "edited/000003.png", "inp')  # killed here; the picture was written already
    with InstructionPairs(folder, SETTINGS) as pairs:
        assert (pairs.kept, pairs.next) == (2, 3)
        add(pairs)
    rows = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    assert [row["number"] for row in rows] == [0, 2, 3]


def test_other_settings_other_files_and_other_processes(tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    with InstructionPairs(folder, SETTINGS), pytest.raises(UsageError, match="another process makes pairs here"):
        InstructionPairs(folder, SETTINGS)
    with pytest.raises(UsageError, match="was begun with seed 0, not 1"):
        InstructionPairs(folder, {**SETTINGS, "seed": 1})
    InstructionPairs(folder, SETTINGS).__exit__()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds other files"):
        InstructionPairs(tmp_path / "other", SETTINGS)
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["a.txt"]
    with pytest.raises(UsageError, match="is a file"):
        InstructionPairs(tmp_path / "other" / "a.txt", SETTINGS)
    (folder / "instructions.json").write_text("{")
    with pytest.raises(ImpastoError, match=r"instructions\.json is broken"):
        InstructionPairs(folder, SETTINGS)

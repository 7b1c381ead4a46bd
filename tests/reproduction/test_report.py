"""Words and files of a report, from numbers made up for it."""

import csv
import io
import re
from pathlib import Path

import pytest
from PIL import Image

from impasto.errors import ImpastoError
from impasto.evaluation.estimate import Estimate, Refused
from impasto.reproduction.manifest import shown_name
from impasto.reproduction.report import Figure, Report, Section, Table, Value, compared, percent, told
from impasto.reproduction.report_files import comma_separated, markdown, page, write_report
from impasto.reproduction.report_parts import duration

SURE, UNSURE, WRONG = (Estimate(*ends, 9) for ends in ((-3.0, -4.0, -2.0), (-1.0, -3.0, 1.0), (2.0, 1.0, 3.0)))


def a_report() -> Report:
    table = Table(("artist", "a|b"), (("<Monet>", told(SURE)),), "a note")
    sections = (Section("Table & words", ("one <b>",), ("a point",), (table,), (Figure("sheet.png", "a “sheet”"),)),)
    values = (
        Value("Monet, Claude", "original", "plain", "frechet", SURE, 5), Value("all", "real", "", "kernel", Refused("few")),
    )  # fmt: skip
    return Report("a paper", "in short", sections, table, values, {"paint": 3.0}, {"impasto": "0"})


@pytest.mark.parametrize(
    ("value", "words"),
    [(123.456, "123"), (12.345, "12.3"), (0.01234, "0.0123"), (-1.5, "-1.50"), (0.0, "0"), (99999.0, "99999")],
)
def test_three_digits_that_count(value: float, words: str) -> None:
    assert told(Estimate(value, None, None, 1)) == words


def test_cells() -> None:
    assert told(SURE) == "-3.00 [-4.00, -2.00]" and told(Refused("few")) == told(None) == percent(None) == "–"
    assert percent(Estimate(0.43, 0.31, 0.55, 9)) == "43 % [31, 55]"
    assert [duration(seconds) for seconds in (5, 89, 600, 3 * 3600 + 61)] == ["5 s", "89 s", "10 min", "3 h 01 min"]


def test_sentences_say_what_chance_may_have_done() -> None:
    text = compared([SURE, UNSURE, WRONG, Refused("few")], better="falls", what="The distance")
    assert text.startswith("The distance falls for 2 of 3 artists (for 1 of 3 by more than chance")
    assert "for 1 it goes the other way by more than that" in text and "for 1 the interval of the change holds 0" in text
    risen = compared([WRONG], better="rises", what="The share")
    assert risen == "The share rises for 1 of 1 artists (for 1 of 1 by more than chance in these pictures may do)."
    assert "other way" in compared([SURE], better="rises", what="The share")
    assert compared([Refused("few"), None], better="falls", what="The distance") == "The distance could not be measured."


def test_files(tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), "red").save(tmp_path / "sheet.png")
    report = a_report()
    written = write_report(report, tmp_path)
    assert [path.name for path in written] == ["report.md", "table.csv", "report.html"]
    rows = list(csv.DictReader(io.StringIO(comma_separated(report))))
    assert rows[0]["of"] == "Monet, Claude" and float(rows[0]["low"]) == -4 and rows[0]["against"] == "5"
    assert rows[1]["value"] == "" and rows[1]["note"] == "few"
    assert "| artist | a/b |\n| --- | --- |\n| <Monet> | -3.00 [-4.00, -2.00] |\n\na note" in markdown(report)
    assert "![a “sheet”](sheet.png)" in markdown(report)
    text = page(report, tmp_path).decode()
    assert "&lt;Monet&gt;" in text and "one &lt;b&gt;" in text and "Table &amp; words" in text
    assert re.findall(r'(?:src|href)="([^"]{10})', text) == ["data:image"] and "<script" not in text
    (tmp_path / "sheet.png").write_bytes(b"torn")
    with pytest.raises(ImpastoError, match=r"sheet\.png cannot be read"):
        page(report, tmp_path)


def test_names_tell_no_folders() -> None:
    assert shown_name("/home/me/models/sd") == "sd" and shown_name("../x/sd.safetensors") == "sd.safetensors"
    assert shown_name("pocket") == "pocket" and shown_name("org/name") == "org/name"

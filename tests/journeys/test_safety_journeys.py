"""Safety of painting: flagged pictures, notices on living artists, and consent to retraining."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.checkpoints.tiny import make_tiny_pocket
from tests.journeys.conftest import Impasto
from tests.training.painted_catalogue import write_catalogue
from tests.vision.safety.tiny_checker import make_checker

FAST = ("--steps", 1, "--seed", 3)


@pytest.fixture(scope="module")
def checkers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("checkers")
    return {"all": make_checker(folder / "all", -1.0), "none": make_checker(folder / "none", 2.0)}


def safety(file: str) -> dict[str, object]:
    return json.loads(Image.open(file).info["impasto"])["safety"]


def test_a_flagged_picture_is_kept_blurred_or_dropped(impasto: Impasto, checkers: dict[str, Path]) -> None:
    assert impasto("paint", "boats", *FAST, "--out", "plain.png").code == 0
    assert "safety" not in json.loads(Image.open("plain.png").info["impasto"])
    kept = impasto("paint", "boats", *FAST, "--safety-checker", checkers["all"], "--out", "kept.png")
    assert kept.code == 0 and "seed 3 is flagged by the safety checker" in kept.err and "it is kept" in kept.err
    assert Image.open("kept.png").tobytes() == Image.open("plain.png").tobytes()
    assert safety("kept.png")["flagged"] is True and safety("kept.png")["action"] == "keep"
    assert "flagged and kept" in impasto("show", "kept.png").out
    blur = impasto("paint", "boats", *FAST, "--safety-checker", checkers["all"], "--flagged", "blur", "--out", "blur.png")
    assert blur.code == 0 and "it is blurred" in blur.err
    sharp, soft = (np.asarray(Image.open(name), np.float32) for name in ("plain.png", "blur.png"))
    assert np.abs(np.diff(soft, axis=0)).mean() < 0.5 * np.abs(np.diff(sharp, axis=0)).mean()
    drop = impasto("paint", "boats", *FAST, "-n", 2, "--safety-checker", checkers["all"], "--flagged", "drop", "--out", "d")
    assert drop.code == 0 and drop.err.count("it is dropped") == 2 and not list(Path("d").glob("*.png"))
    clean = impasto("paint", "boats", *FAST, "--safety-checker", checkers["none"], "--flagged", "drop", "--out", "c.png")
    assert clean.code == 0 and "flagged" not in clean.err and safety("c.png")["flagged"] is False


def test_a_blur_is_repainted_and_undone(impasto: Impasto, checkers: dict[str, Path]) -> None:
    assert impasto("paint", "boats", *FAST, "--out", "plain.png").code == 0
    impasto("paint", "boats", *FAST, "--safety-checker", checkers["all"], "--flagged", "blur", "--out", "blur.png")
    assert impasto("repaint", "blur.png", "--out", "again.png").code == 0
    assert Path("again.png").read_bytes() == Path("blur.png").read_bytes()
    assert impasto("repaint", "blur.png", "--safety-checker", "off", "--out", "sharp.png").code == 0
    assert Path("sharp.png").read_bytes() == Path("plain.png").read_bytes()


def test_what_cannot_be_is_said(impasto: Impasto, checkers: dict[str, Path]) -> None:
    for options, said in (
        (("--flagged", "burn"), "use keep, blur, drop"),
        (("--flagged", "blur"), "needs a checker"),
        (("--safety-checker", "nobody/nothing"), "is not here"),
        (("--safety-checker", checkers["all"], "--flagged", "drop", "--artist", "none", "--artist", "Monet"), "--sheet"),
    ):
        answer = impasto("paint", "boats", *FAST, *options)
        assert answer.code != 0 and said in answer.err, (options, answer.err)


def test_doctor_says_that_it_is_off(impasto: Impasto) -> None:
    assert "safety checker: off; paint --safety-checker FOLDER" in impasto("doctor").out


def test_a_living_artist_gets_one_line_and_no_refusal(impasto: Impasto) -> None:
    living = ("--artist", "New Painter (b. 1990)", "--any-artist")
    answer = impasto("paint", "boats", *living, *FAST, "-n", 2, "--out", "p")
    assert answer.code == 0 and answer.err.count("may be living") == 1 and "docs/safety.md" in answer.err
    dead = impasto("paint", "boats", "--artist", "Claude Monet", "--any-artist", *FAST, "--out", "q")
    assert "may be living" not in dead.err
    sheet = impasto("grid", "boats", "--any-artist", "--rows", "seed=1-2", "--columns",
                    "artist=New Painter (b. 1990);Claude Monet", "--steps", 1, "--out", "g.png")  # fmt: skip
    assert sheet.code == 0 and sheet.err.count("may be living") == 1


def test_consent_to_retraining_on_a_living_artist(impasto: Impasto, tmp_path: Path) -> None:
    catalogue, base = write_catalogue(tmp_path / "catalogue"), str(make_tiny_pocket(tmp_path / "base"))
    table = catalogue / "metadata.jsonl"
    rows = [json.loads(line) for line in table.read_text("utf-8").splitlines()]
    for row in rows:
        row |= {"artist": "New Painter", "birth_year": "1990"} if row["artist"] == "Claude Monet" else {}
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    train = ("train", "wang2023-artist", "--catalogue", catalogue, "--artist", "New Painter", "--checkpoint", base,
             "--steps", "1", "--batch", "2", "--validation-pictures", "0")  # fmt: skip
    without = impasto(*train, "--run", "r1")
    assert without.code == 0 and "lacking the consent of New Painter, dated as living: --consent" in without.err
    assert "None is recorded. Dated as living: New Painter (born 1990)" in Path("r1/checkpoint/README.md").read_text()
    agreed = impasto(*train, "--run", "r2", "--consent", "New Painter agreed by letter.")
    assert agreed.code == 0 and "lacking the consent" not in agreed.err
    assert "New Painter agreed by letter. Dated as living" in Path("r2/checkpoint/README.md").read_text()
    assert json.loads(Path("r2/run.json").read_text())["choices"]["consent"] == "New Painter agreed by letter."
    assert json.loads(Path("r2/report.json").read_text())["living"] == ["New Painter"]
    lora = impasto(*train, "--run", "r3", "--lora-rank", "2", "--ema-decay", "0", "--consent", "by letter")
    assert lora.code == 0 and json.loads(Path("r3/lora/lora.json").read_text())["consent"] == "by letter"
    # The retrained checkpoint knows the dates, so painting says it, too.
    painted = impasto("paint", "boats", "--artist", "New Painter", "--checkpoint", "r2", *FAST, "--out", "x.png")
    assert painted.code == 0 and "New Painter (born 1990, no death recorded) may be living" in painted.err
    others = ("Rembrandt" if word == "New Painter" else word for word in train)
    dead = impasto(*others, "--run", "r4")
    assert "lacking the consent" not in dead.err

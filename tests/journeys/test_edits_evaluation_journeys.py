"""`evaluate --edits` as a user meets it: a folder of edits, the table, and the report beside."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.journeys.conftest import Impasto
from tests.vision import tiny_transformers

pytest.importorskip("efficientnet_lite_pytorch")


def test_edits_are_measured_and_reported(impasto: Impasto, tmp_path: Path) -> None:
    clip = tiny_transformers.clip(tmp_path / "clip")
    Path("edits").mkdir()
    assert impasto("paint", "boats at sunset", "--seed", 3, "--steps", 2, "--out", "edits/boats.png").code == 0
    for background in ("paste", "latents"):
        made = impasto(
            "inpaint", "edits/boats.png", "a red storm", "--box", "16,16,32,32", "--steps", 2, "--seed", 5, "--count", 2,
            "--background", background, "--background-steps", 2, "--keep-outside", "model", "--out", "edits",
        )  # fmt: skip
        assert made.code == 0, made.err
    assert impasto("edit", "edits/boats.png", "--swap", "boats=ships", "--out", "edits/ships.png").code == 0
    done = impasto("evaluate", "--edits", "edits", "--scorer", clip, "--json")
    assert done.code == 0, done.err
    methods = {one["method"]: one for one in json.loads(done.out)["methods"]}
    assert len(methods) == 3
    pasted = next(one for name, one in methods.items() if "background" not in name and name.startswith("inpaint"))
    assert (pasted["pictures"], pasted["batches"], pasted["seconds"]["batch_size"]) == (2, 1, 2)
    assert pasted["seconds"]["single"] > 0 and pasted["diversity"] > 0 and -1 <= pasted["directional"] <= 1
    assert 5 < pasted["psnr"] < 60 and not pasted["is_exact"]
    words = next(one for name, one in methods.items() if name.startswith("words"))
    assert words["psnr"] is None and words["directional"] is not None  # its source lies in the folder, by text and seed
    report = json.loads(Path("edits/edits.json").read_text("utf-8"))
    assert [one["method"] for one in report["methods"]] == list(methods) and len(report["pictures"]) == 5
    assert len(list(csv.DictReader(Path("edits/edits.csv").read_text("utf-8").splitlines()))) == 5
    table = impasto("evaluate", "--edits", "edits", "--scorer", clip, "--no-time", "--out", "report")
    assert table.code == 0 and "best precision" in table.out and Path("report/edits.csv").is_file()


def test_what_is_wrong(impasto: Impasto, tmp_path: Path) -> None:
    Path("empty").mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("empty/plain.png")
    for words, says in (
        (("--edits", "nowhere"), "there is no such folder"),
        (("--edits", "empty"), "holds no edited picture"),
        (("empty", "--edits", "empty"), "leave the others away"),
        (("empty", "--against", "empty", "--describe", "a boat"), "--describe goes with --edits"),
    ):
        refused = impasto("evaluate", *words)
        assert refused.code in (1, 2) and says in refused.err, refused.err
    assert sorted(path.name for path in Path("empty").iterdir()) == ["plain.png"]

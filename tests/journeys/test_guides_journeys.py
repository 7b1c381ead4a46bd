"""Guides as a user meets them: a painting led by a scorer, the same again, a sheet of weights, and what is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.journeys.conftest import Impasto
from tests.vision import tiny_transformers

BOATS = ("paint", "boats at sunset", "--seed", 3, "--steps", 3)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_transformers.clip(tmp_path_factory.mktemp("scorers") / "clip")


def pixels(name: str | Path) -> np.ndarray:
    return np.asarray(Image.open(name)).astype(int)


def test_a_painting_is_led_and_painted_again(clip: Path, impasto: Impasto) -> None:
    word = f"scorer:900,model={clip},cutouts=2,limit=0"
    assert impasto(*BOATS, "--out", "plain.png").code == 0
    led = impasto(*BOATS, "--guide", word, "--out", "led.png", "--json")
    assert led.code == 0, led.err
    (guide,) = json.loads(led.out)["guides"]
    assert guide["weight"] == 900 and guide["model"] == str(clip) and len(guide["model_hash"]) == 64
    assert not np.array_equal(pixels("led.png"), pixels("plain.png"))
    assert f"scorer {clip}" in impasto("show", "led.png").out
    assert impasto("repaint", "led.png", "--out", "again.png").code == 0
    assert Path("again.png").read_bytes() == Path("led.png").read_bytes()
    assert impasto(*BOATS, "--guide", f"scorer:0,model={clip}", "--out", "none.png").code == 0
    assert np.array_equal(pixels("none.png"), pixels("plain.png"))


def test_a_sheet_of_weights_keeps_its_cells(clip: Path, impasto: Impasto) -> None:
    words = ("grid", "boats", "--steps", 2, "--guide", f"scorer:1,model={clip},cutouts=1,limit=0", "--rows",
             "guide-weight=0,900", "--out", "sheet.png", "--json")  # fmt: skip
    first = impasto(*words)
    assert first.code == 0, first.err
    made = json.loads(first.out)
    files = [row[0] for row in made["cells"]]
    assert made["painted"] == 2 and not np.array_equal(pixels(files[0]), pixels(files[1]))
    again = json.loads(impasto(*words).out)
    assert again["painted"] == 0 and again["kept"] == 2


def test_a_sheet_of_swapped_words(impasto: Impasto) -> None:
    words = ("grid", "boats at sunset", "--swap", "boats=ships", "--steps", 3, "--self-replace", 0, "--out", "sheet.png")
    made = impasto(*words, "--columns", "cross-replace=0,1", "--json")
    assert made.code == 0, made.err
    ((loose, tight),) = json.loads(made.out)["cells"]
    assert not np.array_equal(pixels(loose), pixels(tight))
    assert impasto("paint", "ships at sunset", "--seed", 1, "--steps", 3, "--out", "ships.png").code == 0
    assert np.abs(pixels("ships.png") - pixels(loose)).max() <= 1
    again = impasto("repaint", tight, "--out", "again.png")
    assert again.code == 0 and np.array_equal(pixels("again.png"), pixels(tight))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--guide", "clip:3"), "use scorer:WEIGHT"),
        (("--guide", "scorer:1,until=2"), "until 2: use 0 to 1"),
        (("--guide", "scorer:1,model=nowhere"), "nowhere"),
        (("--guide", "classifier:nowhere:Monet"), "there is no classifier nowhere"),
        (("--guide", "scorer", "--swap", "boats=ships"), "goes with no guide"),
        (("--swap", "dogs=cats"), "lacks 'dogs'"),
        (("--swap", "boats"), "use OLD=NEW"),
        (("--swap", "boats=ships", "--expand", "wu2022"), "leave --expand away"),
        (("--swap", "boats=ships", "--cross-replace", 2), "--cross-replace 2: use 0 to 1"),
        (("--self-replace", 0.5), "--self-replace is for swapped words"),
    ],
)
def test_one_line_each(words: tuple[object, ...], says: str, impasto: Impasto, tmp_path: Path) -> None:
    refused = impasto(*BOATS, *words)
    assert refused.code in (1, 2) and says in refused.err and len(refused.err.splitlines()) == 1
    assert not list(tmp_path.rglob("*.png"))

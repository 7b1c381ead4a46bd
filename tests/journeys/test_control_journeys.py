"""Controls as a user meets them: a map, a network trained on the catalogue, a painting along it, and the same again."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tests.training.painted_catalogue import write_catalogue

from impasto.cli.main import main

pytest.importorskip("cv2")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    picture = Image.new("RGB", (90, 120), (200, 180, 120))
    ImageDraw.Draw(picture).rectangle((20, 40, 70, 110), fill=(60, 40, 90))
    path = tmp_path_factory.mktemp("house") / "house.png"
    picture.save(path)
    return path


@pytest.fixture(scope="module")
def net(tiny_pocket: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network trained for two steps; its zero convolutions have moved."""
    folder = tmp_path_factory.mktemp("control")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(folder / "cache"))
        catalogue = write_catalogue(folder / "catalogue", count=8)
        words = ["train", "control", "--catalogue", str(catalogue), "--condition", "canny", "--checkpoint", str(tiny_pocket)]
        run = folder / "run"
        with pytest.raises(SystemExit) as ended:
            main([*words, "--steps", "2", "--learning-rate", "0.05", "--run", str(run)])
        assert ended.value.code == 0
    return run


def impasto(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    said = capsys.readouterr()
    assert ended.value.code == code, said.err
    return said.out if code == 0 else said.err


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_a_painting_follows_a_map_and_is_painted_again(
    house: Path, net: Path, tiny_pocket: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = ["paint", "boats", "--seed", "3", "--steps", "3", "--checkpoint", str(tiny_pocket)]
    source = Path(shutil.copy(house, tmp_path / "house.png"))
    control = ["--control", f"canny={source}", "--control-net", str(net)]
    said = impasto(capsys, *shared, *control, "--out", str(tmp_path / "led.png"), "--json")
    (note,) = json.loads(said)["controls"]
    assert (note["condition"], note["weight"], note["source"]["name"]) == ("canny", 1.0, "house.png")
    zero, never = [*control, "--control-weight", "0"], [*control, "--control-until", "0"]
    for name, more in (("none", []), ("zero", zero), ("never", never)):
        impasto(capsys, *shared, *more, "--out", str(tmp_path / f"{name}.png"))
    assert np.array_equal(pixels(tmp_path / "zero.png"), pixels(tmp_path / "none.png"))
    assert np.array_equal(pixels(tmp_path / "never.png"), pixels(tmp_path / "none.png"))
    assert not np.array_equal(pixels(tmp_path / "led.png"), pixels(tmp_path / "none.png"))
    impasto(capsys, "repaint", str(tmp_path / "led.png"), "--out", str(tmp_path / "again.png"))
    assert np.array_equal(pixels(tmp_path / "again.png"), pixels(tmp_path / "led.png"))
    assert "control" in impasto(capsys, "show", str(tmp_path / "led.png"))
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    source.rename(moved / "house.png")
    told = impasto(capsys, "repaint", str(tmp_path / "led.png"), "--out", str(tmp_path / "lost.png"), code=1)
    assert "house.png" in told and "--source" in told
    impasto(capsys, "repaint", str(tmp_path / "led.png"), "--source", str(moved), "--out", str(tmp_path / "found.png"))
    assert np.array_equal(pixels(tmp_path / "found.png"), pixels(tmp_path / "led.png"))


def test_a_map_that_is_made_first_gives_the_same_painting(
    house: Path, net: Path, tiny_pocket: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The picture is brought to the painting's size before its edges are looked for."""
    square = Image.open(house).crop((0, 15, 90, 105)).resize((64, 64), Image.Resampling.LANCZOS)
    square.save(tmp_path / "square.png")
    impasto(capsys, "control", "map", "canny", str(tmp_path / "square.png"), "--out", str(tmp_path / "map.png"))
    shared = ["paint", "boats", "--seed", "3", "--steps", "3", "--checkpoint", str(tiny_pocket), "--control-net", str(net)]
    for name, control in (("picture", f"canny={tmp_path / 'square.png'}"), ("map", f"map={tmp_path / 'map.png'}")):
        impasto(capsys, *shared, "--control", control, "--out", str(tmp_path / f"{name}-painted.png"))
    assert np.array_equal(pixels(tmp_path / "picture-painted.png"), pixels(tmp_path / "map-painted.png"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--control", "canny"], "use KIND=PICTURE"),
        (["--control", "edges={house}"], "unknown control 'edges'"),
        (["--control", "canny=none.png"], "there is no such file"),
        (["--control", "canny={house}"], "has no network of its own for canny"),
        (["--control", "canny={house}", "--control-net", "none"], "there is no ControlNet none"),
        (["--control", "canny={house}", "--control-net", "{house}"], "no file of weights"),
        (["--control", "canny={house}", "--control-weight", "9"], "control-weight 9: use 0 to 4"),
        (["--control", "canny={house}", "--control-from", "0.9", "--control-until", "0.2"], "would never act"),
        (["--control", "canny={house}", "--control-weight", "1", "--control-weight", "2"], "given 2 times for 1 controls"),
        (["--control-weight", "0.5"], "add --control KIND=PICTURE"),
        (["--control", "canny:300:100={house}", "--control-net", "{net}"], "may not be above"),
    ],
)
def test_wrong_controls_are_one_sentence(
    words: list[str], says: str, house: Path, net: Path, tiny_pocket: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    given = [word.format(house=house, net=net) for word in words]
    with pytest.raises(SystemExit) as ended:
        main(["paint", "boats", "--checkpoint", str(tiny_pocket), "--out", str(tmp_path / "made.png"), *given])
    told = capsys.readouterr().err.strip().splitlines()
    assert ended.value.code in (1, 2)
    assert says in told[-1]
    assert not list(tmp_path.iterdir())

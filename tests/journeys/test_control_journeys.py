"""Controls as a user meets them: a map, a network trained on the catalogue, a painting along it, and the same again."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps
from tests.adapters.control.test_nets import with_pooled_text
from tests.journeys.conftest import Impasto
from tests.training.painted_catalogue import write_catalogue

from impasto.adapters.control.nets import make_controlnet
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
def net(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network trained for two steps; its zero convolutions have moved."""
    folder = tmp_path_factory.mktemp("control")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(folder / "cache"))
        catalogue = write_catalogue(folder / "catalogue", count=8)
        words = ["train", "control", "--catalogue", str(catalogue), "--condition", "canny", "--checkpoint", str(tiny)]
        with pytest.raises(SystemExit) as ended:
            main([*words, "--steps", "2", "--learning-rate", "0.05", "--run", str(folder / "run")])
        assert ended.value.code == 0
    return folder / "run"


def pixels(name: str | Path) -> np.ndarray:
    return np.asarray(Image.open(name))


def test_a_painting_follows_a_map_and_is_painted_again(house: Path, net: Path, tmp_path: Path, impasto: Impasto) -> None:
    shared = ("paint", "boats", "--seed", 3, "--steps", 3)
    shutil.copy(house, "house.png")
    control = ("--control", "canny=house.png", "--control-net", net)
    led = impasto(*shared, *control, "--out", "led.png", "--json")
    assert led.code == 0, led.err
    (note,) = json.loads(led.out)["controls"]
    assert (note["condition"], note["weight"], note["source"]["name"]) == ("canny", 1.0, "house.png")
    without = {"none": (), "zero": (*control, "--control-weight", 0), "never": (*control, "--control-until", 0)}
    for name, more in without.items():
        assert impasto(*shared, *more, "--out", f"{name}.png").code == 0
        assert np.array_equal(pixels(f"{name}.png"), pixels("none.png"))
    assert not np.array_equal(pixels("led.png"), pixels("none.png"))
    assert impasto("repaint", "led.png", "--out", "again.png").code == 0
    assert np.array_equal(pixels("again.png"), pixels("led.png"))
    assert "control" in impasto("show", "led.png").out
    (tmp_path / "elsewhere").mkdir()
    Path("house.png").rename("elsewhere/house.png")
    lost = impasto("repaint", "led.png", "--out", "lost.png")
    assert lost.code == 1 and "house.png" in lost.err and "--source" in lost.err
    assert impasto("repaint", "led.png", "--source", "elsewhere", "--out", "found.png").code == 0
    assert np.array_equal(pixels("found.png"), pixels("led.png"))


def test_a_map_that_is_made_first_gives_the_same_painting(house: Path, net: Path, impasto: Impasto) -> None:
    """The picture is brought to the painting's size before its edges are looked for."""
    Image.open(house).crop((0, 15, 90, 105)).resize((64, 64), Image.Resampling.LANCZOS).save("square.png")
    assert impasto("control", "map", "canny", "square.png", "--out", "map.png").code == 0
    shared = ("paint", "boats", "--seed", 3, "--steps", 3, "--control-net", net)
    for name, control in (("picture", "canny=square.png"), ("map", "map=map.png")):
        assert impasto(*shared, "--control", control, "--out", f"{name}-painted.png").code == 0
    assert np.array_equal(pixels("picture-painted.png"), pixels("map-painted.png"))


def test_a_checkpoints_own_network_serves_several_kinds_wherever_it_lies(
    house: Path, net: Path, tiny: Path, tmp_path: Path, impasto: Impasto, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = shutil.copytree(tiny, tmp_path / "own")
    shutil.copytree(net / "control", own / "control" / "strokes")
    card = own / "control" / "strokes" / "control.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "also": ["scribble"]}))
    monkeypatch.setenv("IMPASTO_POCKET", str(own))
    shutil.copy(house, "house.png")
    shared = ("paint", "boats", "--seed", 3, "--steps", 3)
    led = impasto(*shared, "--control", "canny=house.png", "--out", "own.png", "--json")
    assert led.code == 0, led.err
    (note,) = json.loads(led.out)["controls"]
    assert note["net"] == "" and len(note["net_hash"]) == 64
    named = impasto(*shared, "--control", "canny=house.png", "--control-net", net, "--out", "named.png")
    assert named.code == 0 and "another checkpoint" not in named.err
    assert np.array_equal(pixels("own.png"), pixels("named.png"))
    drawn = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(drawn).rectangle((10, 20, 50, 44), outline="black", width=2)
    drawn.save("drawn.png")
    for kind, less in (("scribble", False), ("hough", True), ("map", False)):
        made = impasto(*shared, "--control", f"{kind}=drawn.png", "--out", f"{kind}.png")
        assert made.code == 0 and "float32" not in made.err, made.err
        assert ("was trained on maps of canny, scribble, and follows hough less well" in made.err) == less
    foreign = Path(shutil.copytree(net / "control", tmp_path / "foreign"))
    (foreign / "control.json").write_text(json.dumps({**json.loads(card.read_text()), "base_hash": "0" * 64}))
    told = impasto(*shared, "--control", "canny=house.png", "--control-net", foreign, "--out", "foreign.png")
    assert told.code == 0 and "foreign was trained with another checkpoint than pocket" in told.err
    refused = impasto(*shared, "--control", "tile=house.png", "--out", "tile.png")
    assert refused.code == 1 and "no network of its own for tile (it has strokes, canny, scribble)" in refused.err
    own.rename(tmp_path / "moved")
    monkeypatch.setenv("IMPASTO_POCKET", str(tmp_path / "moved"))
    again = impasto("repaint", "own.png", "--out", "again.png")
    assert again.code == 0 and np.array_equal(pixels("again.png"), pixels("own.png"))
    words = ("grid", "boats", "--steps", 3, "--control", "canny=house.png", "--rows", "control-weight=0,1", "--out",
             "sheet.png", "--json")  # fmt: skip
    assert json.loads(impasto(*words).out)["painted"] == 2
    assert json.loads(impasto(*words).out)["kept"] == 2


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
def test_wrong_controls_are_one_sentence(words: list[str], says: str, house: Path, net: Path, impasto: Impasto) -> None:
    told = impasto("paint", "boats", "--out", "made.png", *(word.format(house=house, net=net) for word in words))
    assert told.code in (1, 2) and says in told.err.strip().splitlines()[-1]
    assert not Path("made.png").exists()


def test_a_network_of_another_kind_of_checkpoint_is_one_sentence(house: Path, impasto: Impasto) -> None:
    """As one of Stable Diffusion 2 for a checkpoint of Stable Diffusion 1: its texts have another width."""
    make_controlnet(with_pooled_text()).save_pretrained("other")
    told = impasto("paint", "boats", "--control", f"canny={house}", "--control-net", "other", "--out", "made.png")
    assert told.code == 1 and len(told.err.strip().splitlines()) == 1
    assert "is for a U-Net with texts 64 wide, but pocket has texts" in told.err and "use one for it" in told.err
    assert not Path("made.png").exists()


def test_a_map_in_the_wrong_polarity_is_said(net: Path, impasto: Impasto) -> None:
    drawn = Image.new("L", (64, 64))
    ImageDraw.Draw(drawn).rectangle((10, 20, 50, 44), outline=255)
    drawn.save("right.png")
    ImageOps.invert(drawn).save("wrong.png")
    words = ("paint", "boats", "--seed", 3, "--steps", 2, "--control-net", net)
    for name, said in (("right", False), ("wrong", True)):
        told = impasto(*words, "--control", f"map={name}.png", "--out", f"{name}-painted.png")
        assert told.code == 0
        assert ("wrong.png: most of the map is white" in told.err and "expects white strokes on black" in told.err) == said


def test_a_sheet_of_weights_has_a_cell_for_each_and_keeps_them(house: Path, net: Path, impasto: Impasto) -> None:
    shutil.copy(house, "house.png")
    words = ("grid", "boats", "--steps", 3, "--control", "canny=house.png", "--control-net", net, "--rows",
             "control-weight=0,1,4", "--out", "sheet.png", "--json")  # fmt: skip
    first = impasto(*words)
    assert first.code == 0, first.err
    cells = [row[0] for row in json.loads(first.out)["cells"]]
    assert len({pixels(cell).tobytes() for cell in cells}) == 3
    again = json.loads(impasto(*words).out)
    assert (again["painted"], again["kept"]) == (0, 3)

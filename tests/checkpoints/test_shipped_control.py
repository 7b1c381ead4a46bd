"""The control network that ships with pocket: it is there, small, loads, and leads edges and drawings into paintings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

pytest.importorskip("cv2")

from impasto.adapters.control.nets import load_controlnet
from impasto.adapters.control.own import own_controlnet
from impasto.checkpoints.export.diffusers import export_checkpoint
from impasto.checkpoints.load import load_components
from impasto.painting.control.control import Control
from impasto.painting.editing.source import source_in_memory
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from impasto.vision.control_maps.edges import canny
from impasto.vision.control_maps.makers import parse_maker

POCKET = Path(__file__).parents[2] / "src" / "impasto" / "checkpoints" / "pocket"
MOST_BYTES = 8 * 2**20


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter(load_components(str(POCKET)))


def folder(kind: str) -> Path:
    found = own_controlnet(POCKET, kind)
    assert found is not None
    return found


def test_it_ships_for_edges_and_drawings_within_its_bytes() -> None:
    assert folder("canny") == folder("scribble") == folder("map")
    assert sum(file.stat().st_size for file in folder("canny").iterdir()) <= MOST_BYTES


def test_it_is_for_this_unet(painter: Painter) -> None:
    net = load_controlnet(folder("canny"), painter.components.unet, "pocket")
    assert net.condition == "canny" and "scribble" in net.also


def striped(half: int, kind: str) -> Image.Image:
    """A picture with boxes in its left or right half: coloured ones, or drawn in black on white."""
    picture = Image.new("RGB", (128, 128), (200, 190, 160) if kind == "canny" else (255, 255, 255))
    for row in range(4):
        for column in range(2):
            left, top = 64 * half + 8 + 28 * column, 8 + 30 * row
            box = (left, top, left + 18, top + 18)
            if kind == "canny":
                ImageDraw.Draw(picture).rectangle(box, fill=(60, 50, 90))
            else:
                ImageDraw.Draw(picture).rectangle(box, outline=(0, 0, 0), width=3)
    return picture


@pytest.mark.parametrize("kind", ["canny", "scribble"])
def test_edges_are_painted_where_they_are_asked_for(painter: Painter, kind: str) -> None:
    """The same noise with strokes in the left half and in the right one: the edges move with them."""
    moved = []
    for seed in range(2):
        plain = PaintRequest(Condition("a still life"), seed=seed, steps=8, guidance=2.5, width=128, height=128,
                             memory="none")  # fmt: skip
        shares = []
        for half in (0, 1):
            control = Control(parse_maker(kind), source_in_memory(striped(half, kind)))
            led = canny(np.array(next(painter.paint_many([replace(plain, controls=(control,))])).image)) > 127
            shares.append(float(led[:, :64].sum() / led.sum()))
        moved.append(shares[0] - shares[1])
    assert np.mean(moved) > 0.08, moved


def test_an_export_takes_it_along(tmp_path: Path) -> None:
    export_checkpoint("pocket", tmp_path / "exported")
    found = own_controlnet(tmp_path / "exported", "scribble")
    assert found is not None
    assert {file.name: file.read_bytes() for file in found.iterdir()} == {
        file.name: file.read_bytes() for file in folder("scribble").iterdir()
    }

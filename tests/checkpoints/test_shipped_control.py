"""The control network that ships with pocket: it is there, small, loads, and leads paintings along edges and drawings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

pytest.importorskip("cv2")

from impasto.adapters.control.nets import load_controlnet
from impasto.adapters.control.own import own_controlnet
from impasto.checkpoints.load import load_components
from impasto.evaluation.edge_likeness import edge_likeness
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
    made = Painter(load_components(str(POCKET)))
    made.open_memory("none")
    return made


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


@pytest.mark.parametrize("kind", ["canny", "scribble"])
def test_paintings_follow_it(painter: Painter, kind: str) -> None:
    """Shapes that no painting has by chance; the same noise with the network and without."""
    gained = []
    for seed, shape in enumerate(((20, 30, 100, 96), (44, 16, 84, 116))):
        ground, stroke = ((200, 190, 160), None) if kind == "canny" else ((255, 255, 255), 3)
        picture = Image.new("RGB", (128, 128), ground)
        if stroke is None:
            ImageDraw.Draw(picture).ellipse(shape, fill=(60, 50, 90))
        else:
            ImageDraw.Draw(picture).ellipse(shape, outline=(0, 0, 0), width=stroke)
        control = Control(parse_maker(kind), source_in_memory(picture))
        plain = PaintRequest(Condition("a still life"), seed=seed, steps=8, guidance=2.5, width=128, height=128)
        asked = Image.new("L", (128, 128))
        ImageDraw.Draw(asked).ellipse(shape, outline=255)
        led, alone = (
            edge_likeness(np.asarray(asked), canny(np.array(next(painter.paint_many([one])).image)), 2).recall
            for one in (replace(plain, controls=(control,)), plain)
        )
        gained.append((led, alone))
    led, alone = np.mean(gained, axis=0)
    assert led > 1.5 * alone and led > 0.5, gained

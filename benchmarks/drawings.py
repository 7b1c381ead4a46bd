"""Drawings as by hand, a few black strokes on white each, for `--control scribble`."""

from collections.abc import Callable
from typing import Any

from PIL import Image, ImageDraw

SIDE = 128
INK: dict[str, Any] = {"fill": 0, "width": 3, "joint": "curve"}
FRAME: dict[str, Any] = {"outline": 0, "width": 3}


def boat(on: ImageDraw.ImageDraw) -> None:
    on.line([(0, 84), (30, 82), (128, 85)], **INK)
    on.line([(28, 88), (40, 104), (86, 104), (100, 87), (28, 88)], **INK)
    on.line([(62, 88), (62, 22), (94, 78), (62, 79)], **INK)
    on.line([(58, 34), (34, 78), (58, 78)], **INK)


def house(on: ImageDraw.ImageDraw) -> None:
    on.line([(0, 98), (128, 100)], **INK)
    on.rectangle((28, 58, 76, 98), **FRAME)
    on.line([(22, 60), (52, 30), (82, 60)], **INK)
    on.rectangle((46, 76, 58, 98), **FRAME)
    on.line([(104, 99), (104, 62)], **INK)
    on.ellipse((88, 28, 120, 66), **FRAME)


def vase(on: ImageDraw.ImageDraw) -> None:
    on.line([(50, 68), (44, 92), (54, 112), (76, 112), (86, 92), (78, 68), (50, 68)], **INK)
    on.line([(0, 100), (46, 100)], **INK)
    on.line([(84, 100), (128, 100)], **INK)
    for x, y in ((40, 36), (64, 24), (90, 38), (62, 50)):
        on.ellipse((x - 11, y - 11, x + 11, y + 11), **FRAME)
        on.line([(x, y + 11), (64, 68)], **INK)


def head(on: ImageDraw.ImageDraw) -> None:
    on.ellipse((42, 18, 86, 76), **FRAME)
    on.arc((36, 10, 92, 70), 180, 360, fill=0, width=3)
    on.line([(54, 74), (52, 86), (20, 104), (12, 128)], **INK)
    on.line([(74, 74), (76, 86), (108, 104), (116, 128)], **INK)
    on.line([(52, 42), (60, 42)], **INK)
    on.line([(68, 42), (76, 42)], **INK)
    on.line([(64, 44), (62, 56), (66, 57)], **INK)
    on.line([(56, 65), (72, 65)], **INK)


def mountains(on: ImageDraw.ImageDraw) -> None:
    on.line([(0, 80), (34, 30), (58, 64), (84, 20), (128, 76)], **INK)
    on.line([(0, 88), (128, 88)], **INK)
    on.line([(40, 128), (58, 104), (52, 96), (66, 88)], **INK)
    on.line([(88, 128), (80, 104), (84, 96), (76, 88)], **INK)


DRAWINGS: dict[str, Callable[[ImageDraw.ImageDraw], None]] = {
    "a sailing boat on the sea": boat, "a house and a tree": house, "a vase of flowers": vase, "a portrait of a lady": head,
    "a river in the mountains": mountains,
}  # fmt: skip


def drawing(text: str) -> Image.Image:
    """Returns the drawing of a key of `DRAWINGS`, RGB, 128 x 128 px."""
    made = Image.new("RGB", (SIDE, SIDE), "white")
    DRAWINGS[text](ImageDraw.Draw(made))
    return made

"""The `Control`: a picture whose map a network makes the painting follow, and how."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from impasto.errors import UsageError
from impasto.painting.control.record import LARGEST_WEIGHT, MOST_CONTROLS
from impasto.painting.editing.source import SourcePicture
from impasto.vision.control_maps.makers import MapMaker, parse_maker

Value = TypeVar("Value", str, float)


@dataclass(frozen=True)
class Control:
    """One control of a painting. Equal controls give equal paintings.

    Attributes:
        maker: makes the map of the picture, brought to the painting's size.
        source: the picture.
        net: the network: a folder or a file; "" for the checkpoint's own for this kind of map.
        weight: 0 .. 4; 0 is no control.
        start, until: the shares of the steps, 0 .. 1, between which it acts.
        guess: it acts on the condition alone, and follows the map without a prompt (ControlNet's guess mode).
        expected_hash: of the network in the record that is painted again; "" for none.

    Raises:
        UsageError: a value is out of its range.
    """

    maker: MapMaker
    source: SourcePicture
    net: str = ""
    weight: float = 1.0
    start: float = 0.0
    until: float = 1.0
    guess: bool = False
    expected_hash: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        check_control(self.weight, self.start, self.until)


def check_control(weight: float, start: float, until: float) -> None:
    """Checks the numbers of a control.

    Raises:
        UsageError: one is out of its range.
    """
    if not 0 <= weight <= LARGEST_WEIGHT:
        raise UsageError(f"control-weight {weight:g}: use 0 to {LARGEST_WEIGHT:g}")
    for name, value in (("from", start), ("until", until)):
        if not 0 <= value <= 1:
            raise UsageError(f"control-{name} {value:g}: use 0 to 1, a share of the steps")
    if start > until:
        raise UsageError(f"control-from {start:g} is after control-until {until:g}: it would never act")


def parse_control(word: str) -> tuple[MapMaker, Path]:
    """Reads `canny=photo.jpg`, `canny:100:200=photo.jpg`, `depth@FOLDER=photo.jpg` or `map=lines.png`.

    Raises:
        UsageError: there is no such maker, or no picture.
    """
    kind, equals, picture = word.partition("=")
    if not equals or not picture.strip():
        raise UsageError(f"--control {word}: use KIND=PICTURE, such as canny=photo.jpg, or map=lines.png for a map")
    return parse_maker(kind), Path(picture)


def spread(name: str, values: Sequence[Value], count: int, usual: Value) -> list[Value]:
    """Returns one value for each of `count` controls, from none, one for all, or one for each.

    Raises:
        UsageError: another number of values is given.
    """
    if len(values) not in (0, 1, count):
        raise UsageError(f"{name} is given {len(values)} times for {count} controls: give one for all, or one for each")
    found = list(values) or [usual]
    return found * count if len(found) == 1 else found


def check_count(count: int) -> None:
    """Raises UsageError if there are too many controls."""
    if count > MOST_CONTROLS:
        raise UsageError(f"{count} controls: use at most {MOST_CONTROLS}")

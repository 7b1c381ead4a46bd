"""The condition makers by name: each turns a picture into a control map of the same size.

To add one: a function in this folder, a row in `MAKERS`, a line in docs/control.md. Its file is imported when it makes a
map, so that options can be checked without torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from impasto.errors import UsageError

MAP = "map"  # the picture is a control map already


@dataclass(frozen=True)
class MakerSpec:
    """One condition maker.

    Attributes:
        function: file and function in this folder, as in `edges.canny`: RGB uint8 [h, w, 3] and its settings -> uint8 [h, w]
            or [h, w, 3].
        what: a phrase for help texts.
        settings: names of the numbers that may follow the name, as in `canny:100:200`.
        network: it needs a folder with a model, `depth@FOLDER`.
        strokes: whether the map is white strokes on black; such a map in the other polarity is named.
    """

    name: str
    function: str
    what: str
    settings: tuple[str, ...] = ()
    network: bool = False
    strokes: bool = False

    def make(self, picture: np.ndarray, **settings: Any) -> np.ndarray:
        """Returns the map of a picture."""
        file, _, function = self.function.partition(".")
        return getattr(import_module(f"impasto.vision.control_maps.{file}"), function)(picture, **settings)


MAKERS: dict[str, MakerSpec] = {
    spec.name: spec
    for spec in (
        MakerSpec("canny", "edges.canny", "Canny's edges; thresholds by Otsu, or LOW:HIGH", ("low", "high"), strokes=True),
        MakerSpec("hough", "edges.hough", "straight lines by Hough's transform", ("threshold",), strokes=True),
        MakerSpec("lines", "edges.lines", "line segments by LSD", ("shortest",), strokes=True),
        MakerSpec("hed", "hed.hed", "soft edges by the network HED", strokes=True),
        MakerSpec("scribble", "scribbles.scribble", "the strokes of a drawing by hand", strokes=True),
        MakerSpec("fake-scribble", "scribbles.fake_scribble", "strokes like a hand's, from HED's edges", ("smooth",),
                  strokes=True),
        MakerSpec("blur", "plain.blur", "the blurred picture", ("deviation",)),
        MakerSpec("tile", "plain.tile", "the picture reduced to a few cells", ("cells",)),
        MakerSpec("grey", "plain.grey", "its brightness"),
        MakerSpec("flat", "plain.flat", "flat areas of colour, by mean shift"),
        MakerSpec("depth", "networks.depth", "depth by a model of transformers", network=True),
        MakerSpec("segments", "networks.segments", "classes of areas by a model of transformers", network=True),
        MakerSpec(MAP, "plain.unchanged", "the picture is a map already"),
    )
}  # fmt: skip
_WHOLE = ("threshold", "cells")


@dataclass(frozen=True)
class MapMaker:
    """A condition maker with its settings.

    Attributes:
        spec: which one.
        values: its settings by name.
        folder: of its network.
    """

    spec: MakerSpec
    values: tuple[tuple[str, float], ...] = ()
    folder: Path | None = None

    def __str__(self) -> str:
        words = [self.spec.name, *(f"{value:g}" for _, value in self.values)]
        return ":".join(words) + (f"@{self.folder}" if self.folder is not None else "")

    def __call__(self, picture: Image.Image) -> Image.Image:
        """Returns the map of a picture, RGB, of the same size.

        Raises:
            UsageError: a setting is out of its range.
            MissingPart: a package or the network is missing.
            ImpastoError: the picture holds nothing of the kind.
        """
        given: dict[str, Any] = {name: int(value) if name in _WHOLE else value for name, value in self.values}
        if self.spec.network:
            given["folder"] = self.folder
        made = self.spec.make(np.array(picture.convert("RGB")), **given)  # a copy: OpenCV needs memory of its own
        return Image.fromarray(made).convert("RGB")


def parse_maker(word: str) -> MapMaker:
    """Reads `canny`, `canny:100:200` or `depth@FOLDER`.

    Raises:
        UsageError: there is no such maker, it takes no such settings, or its folder is missing.
    """
    head, _, folder = word.partition("@")
    name, *numbers = head.split(":")
    spec = MAKERS.get(name)
    if spec is None:
        raise UsageError(f"unknown control {name!r}: use one of {', '.join(MAKERS)}")
    if spec.network != bool(folder):
        needed = f"{name} needs a model: {name}@FOLDER" if spec.network else f"{name} takes no model: leave @{folder} away"
        raise UsageError(needed)
    if len(numbers) > len(spec.settings):
        takes = ":".join([name, *(setting.upper() for setting in spec.settings)])
        raise UsageError(f"control {word!r}: it takes {takes if spec.settings else 'no settings'}")
    return MapMaker(spec, tuple(_settings(word, spec.settings, numbers)), Path(folder) if folder else None)


def _settings(word: str, names: Sequence[str], numbers: Sequence[str]) -> list[tuple[str, float]]:
    try:
        return [(name, float(number)) for name, number in zip(names, numbers, strict=False)]
    except ValueError:
        raise UsageError(f"control {word!r}: its settings are numbers, as in canny:100:200") from None


def looks_inverted(control_map: Image.Image) -> bool:
    """Returns whether a map of strokes seems to be black on white, where networks expect white on black.

    Strokes cover the smaller part of a map, so most of it should be dark.
    """
    return float(np.asarray(control_map.convert("L")).mean()) > 127

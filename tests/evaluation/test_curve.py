"""Curves of measures along a setting: which value is best, whether chance may decide, and what is drawn."""

import io

import numpy as np
import pytest
from PIL import Image

from impasto.errors import ImpastoError
from impasto.evaluation.curve import Curve, draw_curve, panel_title
from impasto.evaluation.estimate import Estimate, Measured, Refused
from impasto.evaluation.labels import LABELS, direction, label


def at(value: float, half: float = 0.1) -> Estimate:
    return Estimate(value, value - half, value + half, 8)


CURVE = Curve(
    "guidance", ("1", "2", "4"), (1.0, 2.0, 4.0),
    {
        "kernel": [at(0.9), at(0.5), at(0.8)], "similarity": [at(0.2), at(0.25), at(0.3)], "diversity": [at(9.0)] * 3,
        "precision": [Refused("too few")] * 3, "style": [Refused("none"), at(0.5), Refused("none")],
    },
    "a title " * 40, "a legend",
)  # fmt: skip


def test_the_best_value_by_the_direction_of_the_measure() -> None:
    assert [CURVE.best(name) for name in CURVE.measures] == [1, 2, None, None, 1]
    assert not CURVE.is_within_chance("kernel") and CURVE.is_within_chance("similarity")
    assert "within chance" not in panel_title(CURVE, "kernel")
    assert panel_title(CURVE, "similarity").endswith("(more is better; best within chance)")
    assert [direction(name) for name in ("kernel", "style", "diversity")] == ["less is better", "more is better", ""]
    assert label("kernel", is_fid=True) == "KID" and label("kernel") == "kernel distance" and len(LABELS) == 11


def holds(data: bytes, *colours: tuple[int, int, int]) -> bool:
    """Whether the picture has pixels of each colour."""
    with Image.open(io.BytesIO(data)) as drawn:
        pixels = np.asarray(drawn.convert("RGB"))
    return all((pixels == colour).all(axis=-1).any() for colour in colours)


def test_a_panel_for_each_measure_with_a_value_band_and_ring() -> None:
    data = draw_curve(CURVE)
    assert holds(data, (0x3B, 0x6E, 0xA5), (0xC9, 0xD8, 0xEA), (0xC0, 0x50, 0x4D))
    with Image.open(io.BytesIO(data)) as drawn:
        four = drawn.height
    one: dict[str, list[Measured]] = {"kernel": [at(0.5)] * 3}
    with Image.open(io.BytesIO(draw_curve(Curve("steps", CURVE.values, CURVE.numbers, one)))) as drawn:
        assert drawn.height < four
    assert draw_curve(CURVE) == data  # the same numbers give the same file
    with pytest.raises(ImpastoError, match="nothing was measured"):
        draw_curve(Curve("steps", ("1", "2"), (1, 2), {"precision": [Refused("few")] * 2}))


def test_names_are_drawn_side_by_side() -> None:
    names = Curve("sampler", ("ddim", "dpm++ $x^2$", "a name that is rather long for an axis"), None, CURVE.measures)
    assert holds(draw_curve(names), (0x3B, 0x6E, 0xA5))

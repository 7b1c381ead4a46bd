"""Figures with long texts: nothing is cut, nothing overlaps a picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.errors import ImpastoError
from impasto.painting.sheets.lettering import Lettering
from impasto.reproduction.sheets import Captioned, save_captioned, save_sheet

LONG = "a gothic sea monster in the high seas, " * 9


@pytest.fixture
def red(tmp_path: Path) -> Path:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    return tmp_path / "red.png"


def reds(path: Path) -> np.ndarray:
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    return (pixels[..., 0] > 200) & (pixels[..., 1:].max(-1) < 60)


def test_texts_under_pictures_make_the_sheet_higher(tmp_path: Path, red: Path) -> None:
    save_captioned(tmp_path / "short.png", [Captioned(red, ("a",))] * 5, 3, cell=96)
    save_captioned(tmp_path / "long.png", [Captioned(red, (LONG, "tags: sea, monster"))] * 5, 3, title=LONG, cell=96)
    for name in ("short.png", "long.png"):
        assert reds(tmp_path / name).sum() == 5 * 96 * 96  # no letter lies on a picture
    with Image.open(tmp_path / "short.png") as short, Image.open(tmp_path / "long.png") as long:
        lines = len(Lettering(12).wrap(LONG, 96, None))
        assert short.width == long.width and long.height - short.height >= 2 * lines * Lettering(12).line
    with pytest.raises(ImpastoError, match="at least one picture"):
        save_captioned(tmp_path / "none.png", [], 3)


def test_notes_span_their_columns_and_are_never_cut(tmp_path: Path, red: Path) -> None:
    rows = [[red] * 4] * 2
    save_sheet(tmp_path / "plain.png", rows, ["a", "b"], list("abcd"), "legend", cell=96)
    save_sheet(tmp_path / "noted.png", rows, ["a", "b"], list("abcd"), "legend", column_notes=[LONG, "short"], cell=96)
    assert reds(tmp_path / "noted.png").sum() == reds(tmp_path / "plain.png").sum() == 8 * 96 * 96
    with Image.open(tmp_path / "plain.png") as plain, Image.open(tmp_path / "noted.png") as noted:
        letters = Lettering(round(8 + 96 / 28))
        assert noted.width == plain.width
        assert noted.height - plain.height >= len(letters.wrap(LONG, 2 * 99 - 3, None)) * letters.line
    with pytest.raises(ImpastoError, match="3 notes for 4 columns"):
        save_sheet(tmp_path / "odd.png", rows, ["a", "b"], list("abcd"), "", column_notes=["a", "b", "c"])

"""Lines that wrap, and letters that the font lacks."""

import pytest
from PIL import Image, ImageDraw

from impasto.painting.sheets import lettering
from impasto.painting.sheets.lettering import Lettering


def test_lines_keep_to_their_width() -> None:
    letters = Lettering(14)
    text = "A gothic sea monster in the high seas, by Mikalojus Konstantinas Čiurlionis"
    lines = letters.wrap(text, 120, 20)
    assert len(lines) > 2 and " ".join(lines) == text
    assert all(letters.width(line) <= 120 for line in lines)
    assert letters.wrap("", 120, 3) == []


def test_a_word_without_end_is_broken() -> None:
    letters = Lettering(14)
    lines = letters.wrap("w" * 100, 120, 20)
    assert "".join(lines) == "w" * 100 and all(letters.width(line) <= 120 for line in lines)


def test_what_is_left_out_is_marked() -> None:
    letters = Lettering(14)
    lines = letters.wrap("one two three four five six seven", 60, 2)
    assert len(lines) == 2 and lines[1].endswith("…") and letters.width(lines[1]) <= 60


def test_letters_that_the_font_lacks_are_written_in_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Lettering(14).wrap("日", 100, 1) == ["Ri"]
    monkeypatch.setattr(lettering, "find_spec", lambda name: None)  # no matplotlib: Pillow's own font
    assert Lettering(14).wrap("Dürer, Čiurlionis", 1000, 1) == ["Durer, Ciurlionis"]


def test_lines_are_drawn_in_the_middle() -> None:
    letters, page = Lettering(14), Image.new("RGB", (200, 40), "white")
    letters.draw(ImageDraw.Draw(page), 0, 0, ["mm"], within=200)
    box = Image.eval(page.convert("L"), lambda level: 255 - level).getbbox()
    assert box is not None and abs((box[0] + box[2]) / 2 - 100) < 3

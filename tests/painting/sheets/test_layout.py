"""Sheets drawn from pictures of one colour: where everything lies, and what does not fit."""

from pathlib import Path

import pytest
from PIL import Image

from impasto.errors import ImpastoError
from impasto.painting.sheets.layout import Sheet, draw_sheet

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def plain(colour: tuple[int, int, int], width: int = 40, height: int = 40) -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def ink(sheet: Image.Image, box: tuple[int, int, int, int]) -> bool:
    """Whether anything is written in a part of the sheet."""
    return min(low for low, _ in sheet.crop(box).getextrema()) < 128  # pyright: ignore[reportGeneralTypeIssues]


def test_without_words_it_is_cells_and_gaps() -> None:
    sheet = draw_sheet([[plain(RED), plain(BLUE)], [plain(BLUE)]], cell=64)
    assert sheet.size == (2 + 2 * 66, 2 + 2 * 66)
    assert [sheet.getpixel(place) for place in ((2, 2), (65, 65), (68, 2), (2, 68))] == [RED, RED, BLUE, BLUE]
    assert {sheet.getpixel(place) for place in ((0, 0), (66, 30), (30, 66), (90, 90))} == {WHITE}


def test_pictures_keep_their_proportions_and_come_from_files(tmp_path: Path) -> None:
    plain(RED, 80, 20).save(tmp_path / "wide.png")
    sheet = draw_sheet([[tmp_path / "wide.png", None]], cell=64)
    column = [sheet.getpixel((34, y)) for y in range(sheet.height)]
    assert column == [WHITE] * 26 + [RED] * 16 + [WHITE] * 26
    assert sheet.getpixel((100, 34)) == WHITE
    with pytest.raises(ImpastoError, match=r"gone\.png cannot be read: No such file"):
        draw_sheet([[tmp_path / "gone.png"]])
    (tmp_path / "torn.png").write_bytes((tmp_path / "wide.png").read_bytes()[:60])
    with pytest.raises(ImpastoError, match=r"torn\.png cannot be read: it is no whole picture"):
        draw_sheet([[tmp_path / "torn.png"]])


def test_titles_legend_and_size_are_where_the_plan_says() -> None:
    bare = Sheet(2, 3, (64, 64))
    sheet = Sheet(
        2, 3, (64, 64), row_titles=("a boat", "a very long prompt that wraps to several lines"),
        column_titles=("Monet", "Klimt", "Dürer"), title="what all show", legend="seed 1, 20 steps",
    )  # fmt: skip
    assert sheet.size[0] > bare.size[0] and sheet.size[1] > bare.size[1]
    drawn = sheet.draw([[plain(RED, 64, 64)] * 3, [plain(BLUE, 64, 64)] * 3])
    assert drawn.size == sheet.size
    reds = [(x, y) for x in range(0, drawn.width, 2) for y in range(0, drawn.height, 2) if drawn.getpixel((x, y)) == RED]
    left, top = min(x for x, _ in reds), min(y for _, y in reds)
    assert ink(drawn, (0, top, left, top + 64)) and ink(drawn, (0, top + 66, left, top + 130))
    assert ink(drawn, (left, 0, drawn.width, top)) and ink(drawn, (0, drawn.height - 20, drawn.width, drawn.height))


def test_titles_are_never_higher_than_a_cell() -> None:
    endless = "word " * 400
    tall = Sheet(1, 1, (64, 64), row_titles=[endless], column_titles=[endless], title=endless, legend=endless)
    assert tall.size[0] < 4 * 64 + 64 and tall.size[1] < 6 * 64


def test_what_makes_no_sheet_is_refused() -> None:
    for rows, titles in ([], ()), ([[]], ()), ([[plain(RED)]], ("a", "b")):
        with pytest.raises(ImpastoError):
            draw_sheet(rows, titles)


def test_a_large_sheet_is_planned_without_drawing_it() -> None:
    sheet = Sheet(30, 12, (512, 512), row_titles=["Vincent van Gogh"] * 30, column_titles=["a train"] * 12)
    assert 12 * 512 < sheet.size[0] < 12 * 560 and 30 * 512 < sheet.size[1] < 30 * 540


def test_captions_lie_under_their_rows_whole_and_move_the_rows_below() -> None:
    bare = Sheet(3, 2, (64, 64), row_titles=("1", "2", "3"))
    words = "originally a collection of fishing villages, Shenzhen grew to be one of the largest cities in China " * 3
    sheet = Sheet(3, 2, (64, 64), row_titles=("1", "2", "3"), row_captions=(words, "", "left-behind children"))
    (long, short) = sheet._bands[2:4]
    assert " ".join(long.lines) == words.strip() and len(long.lines) > 3 and short.lines == ["left-behind children"]
    assert all(sheet._letters.width(line) <= sheet.size[0] - 2 * sheet._gap for line in long.lines)
    line, gap = sheet._letters.line, sheet._gap
    added = (len(long.lines) + 1) * line + 4 * gap
    assert sheet.size[1] == bare.size[1] + added and sheet.size[0] >= bare.size[0]
    drawn = sheet.draw([[plain(RED, 64, 64)] * 2] * 3)
    left = sheet._left
    tops = [y for y in range(drawn.height) if drawn.getpixel((left + 10, y)) == RED != drawn.getpixel((left + 10, y - 1))]
    assert tops == sheet._tops and tops[1] - tops[0] == 64 + gap + len(long.lines) * line + 2 * gap
    assert tops[2] - tops[1] == 64 + gap
    assert ink(drawn, (0, tops[0] + 64 + gap, drawn.width, tops[1])) and ink(drawn, (0, tops[2] + 64 + gap, *drawn.size))
    with pytest.raises(ImpastoError, match="2 captions for 3 rows"):
        Sheet(3, 2, (64, 64), row_captions=("a", "b"))
    assert draw_sheet([[plain(RED)]], row_captions=("a boat",)).height > draw_sheet([[plain(RED)]]).height

import itertools
import random
from dataclasses import replace

import pytest

from impasto.prompts.condition import Condition

WHOLE = Condition(
    caption="wheat field with cypresses, evening",
    artist="Vincent van Gogh",
    year=1889,
    style="Post-Impressionism",
    genre="landscape",
    medium="oil on canvas",
    lighting="dusk",
    colour="muted blues, greens",
    detail="thick impasto",
)


def test_the_template() -> None:
    boats = Condition("boats at sunset", "Claude Monet", 1872, "Impressionism", "marina")
    assert boats.text() == "boats at sunset, by Claude Monet, 1872, Impressionism, marina"
    assert Condition().text() == ""
    assert Condition(artist="Rembrandt").text() == "by Rembrandt"
    assert Condition(year=1889).text() == "1889"
    assert Condition(caption="  two\n lines ").text() == "two lines"


@pytest.mark.parametrize(
    "condition",
    [
        WHOLE,
        Condition(),
        Condition(caption="a red house, a barn, and snow"),
        Condition(caption="boats", artist="Claude Monet"),
        Condition(artist="Rembrandt", year=1640),
        Condition(caption="boats", year=1872, style="Impressionism"),
        Condition(caption="a house by the sea, at noon", artist="Camille Corot", style="Realism", genre="landscape"),
        Condition(caption="boats", medium="oil on canvas", colour="blue"),
    ],
)
def test_what_the_template_wrote_is_read_back(condition: Condition) -> None:
    assert Condition.parse(condition.text()) == condition


def test_records_round_trip_and_leave_out_what_is_unknown() -> None:
    assert Condition.from_dict(WHOLE.as_dict()) == WHOLE
    assert Condition.from_dict({"caption": 3, "year": True, "artist": "Rembrandt", "other": 1}) == Condition(
        artist="Rembrandt"
    )


def test_any_subset_and_nothing_are_trained() -> None:
    boats = Condition("boats", "Claude Monet", 1872, "Impressionism", "marina")
    draws = [boats.drop(random.Random(n)) for n in range(3000)]
    subsets = {tuple(sorted(draw.as_dict())) for draw in draws}
    assert len(subsets) == 2**4 + 1
    empty = sum(not draw.as_dict() for draw in draws) / len(draws)
    assert empty == pytest.approx(0.1, abs=0.02)
    assert all(draw.caption == "boats" for draw in draws if draw.as_dict())
    bare = [replace(boats, caption="").drop(random.Random(n), all_probability=0.0) for n in range(3000)]
    assert sum(not draw.as_dict() for draw in bare) / len(bare) == pytest.approx(0.3**4, abs=0.01)
    assert boats.drop(random.Random(5)) == boats.drop(random.Random(5))
    assert boats.drop(random.Random(0), all_probability=0, field_probability=0) == boats


def test_every_subset_of_a_condition_is_read_back() -> None:
    filled = WHOLE.as_dict()
    for count in range(len(filled) + 1):
        for names in itertools.combinations(filled, count):
            part = Condition(**{name: filled[name] for name in names})
            assert Condition.parse(part.text()) == part


@pytest.mark.parametrize(
    "condition",
    [
        Condition(caption="still-life-1890", artist="Paul Cézanne", genre="still life"),
        Condition(caption="a woman, by the window, by candlelight", style="Baroque"),
        Condition(caption="the port, by night", artist="J. M. W. Turner", genre="marina"),
        Condition(caption="Delft, 1660", artist="Johannes Vermeer", year=1661),
        Condition(caption="Landscape", genre="landscape"),
        Condition(caption="Landscape"),
        Condition(artist="Giotto", year=-300, style="Northern Renaissance"),
        Condition(caption="route 007, 0042", style="Art Nouveau Modern"),
    ],
)
def test_captions_that_look_like_fields_are_read_back(condition: Condition) -> None:
    assert Condition.parse(condition.text()) == condition


@pytest.mark.parametrize(
    "condition",
    [
        Condition(caption="Delft, 1660"),
        Condition(caption="trees, by water"),
        Condition(caption="sea, landscape"),
        Condition(artist="Monet, Claude", year=1872),
        Condition(caption="hands, detail: fingers", artist="Albrecht Dürer"),
        Condition(caption="boats", style="my own way"),
    ],
)
def test_where_the_reading_differs_the_text_does_not(condition: Condition) -> None:
    read = Condition.parse(condition.text())
    assert read != condition and read.text() == condition.text()


def test_white_space_alone_is_no_field() -> None:
    assert Condition(caption=" ", artist="  ", medium="\t").text() == ""

import pytest

from impasto.prompts.knowledge.handbook import handbook
from impasto.prompts.living import Life, life_of, life_of_columns, living_note, parse_life


@pytest.mark.parametrize(
    ("text", "life"),
    [
        ("1840-1926", Life(1840, 1926)),
        ("c. 1525–1569", Life(1525, 1569)),
        ("c. 1360-c. 1430", Life(1360, 1430)),
        ("b. 1937", Life(1937)),
        ("1937-", Life(1937)),
        ("British, born in Bradford, 1937", Life(1937)),
        ("born 1900, died 1980", Life(1900, 1980)),
        ("unknown", Life()),
        ("", Life()),
    ],
)
def test_dates_as_catalogues_write_them(text: str, life: Life) -> None:
    assert parse_life(text) == life


def test_who_may_be_living() -> None:
    assert Life(1937).is_living(2026) and not Life(1937, 2020).is_living(2026)
    assert not Life(1860).is_living(2026) and not Life().is_living(2026) and not Life(None, 1900).is_living(2026)
    assert Life(1990).is_living()


def test_the_columns_of_a_catalogue() -> None:
    assert life_of_columns({"Birth Year": "1937", "death_year": ""}) == Life(1937)
    assert life_of_columns({"artist_birth": "12 May 1840", "artist_death": "1926-01-01"}) == Life(1840, 1926)
    assert life_of_columns({"artist_display_bio": "American, 1928–1987"}) == Life(1928, 1987)
    assert life_of_columns({"year": "1999"}) == Life()


def test_the_handbook_the_list_and_the_name_itself() -> None:
    assert life_of("claude monet") == Life(1840, 1926)
    assert not any(life_of(entry.title).is_living() for entry in handbook() if entry.kind == "artists")
    assert life_of("New Painter (b. 1990)") == Life(1990) and life_of("Nobody Known") == Life()
    assert life_of("New Painter", {"name": "New Painter", "born": 1990}) == Life(1990)
    assert "New Painter (born 1990" in living_note("New Painter", Life(1990))

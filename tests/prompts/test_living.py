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
        ("b. 1950, active 1970-1990", Life(1950)),
        ("b. 1950 (active 1970-1990)", Life(1950)),
        ("active 1970-1990, born 1950", Life(1950)),
        ("active since 1985 (born 1961)", Life(1961)),
        ("born 1950; works 1975-2001", Life(1950)),
        ("British, b. 1961, works in London", Life(1961)),
        ("works and lives in Berlin since 1990, born 1961", Life(1961)),
        ("Tätig 1970-1990, geb. 1950 in Wien", Life(1950)),
        ("*1961", Life(1961)),
        ("* 3. Mai 1961 in Berlin", Life(1961)),
        ("*1900 †1980", Life(1900, 1980)),
        ("*1900-1980", Life(1900, 1980)),
        ("geboren 1961", Life(1961)),
        ("née 1961", Life(1961)),
        ("né(e) 1961", Life(1961)),
        ("American, 1965", Life(1965)),
        ("Bradford 1937", Life(1937)),
        ("1950", Life(1950)),
        ("1961年生まれ", Life(1961)),
        ("1950-present", Life(1950)),
        ("1928–87", Life(1928, 1987)),
        ("1928-11-02", Life(1928)),
        ("1928-11-02 - 1987-02-22", Life(1928, 1987)),
        ("1900-1980 (active 1925-1970)", Life(1900, 1980)),
        ("French, Paris 1840–1926 Giverny", Life(1840, 1926)),
        ("d. 1926", Life(None, 1926)),
        ("active 1970-1990", Life()),
        ("active in Paris, 1970-1990", Life()),
        ("1970-1990 (active)", Life()),
        ("fl. c. 1620-1650", Life()),
        ("before 1600", Life()),
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
    assert life_of_columns({"birthyear": "1961"}) == Life(1961) and life_of_columns({"artist_dates": "1961"}) == Life(1961)
    assert life_of_columns({"Artist-Birth": "1950", "artist dates": "1950-2001"}) == Life(1950, 2001)
    assert life_of_columns({"born": "1840-1926"}) == Life(1840, 1926)
    assert life_of_columns({"born": "1950", "dates": "active 1970-1990"}) == Life(1950)
    assert life_of_columns({"year": "1999", "date": "1950"}) == Life()


def test_the_handbook_the_list_and_the_name_itself() -> None:
    assert life_of("claude monet") == Life(1840, 1926)
    assert not any(life_of(entry.title).is_living() for entry in handbook() if entry.kind == "artists")
    assert life_of("New Painter (b. 1990)") == Life(1990) and life_of("Nobody Known") == Life()
    assert life_of("New Painter", {"name": "New Painter", "born": 1990}) == Life(1990)
    assert "New Painter (born 1990" in living_note("New Painter", Life(1990))

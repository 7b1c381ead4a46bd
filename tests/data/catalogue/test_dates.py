import pytest

from impasto.data.catalogue.dates import read_date


@pytest.mark.parametrize(
    ("words", "year"),
    [
        (1889, 1889),
        ("1889.0", 1889),
        ("c.1889", 1889),
        ("ca. 1900", 1900),
        ("1889?", 1889),
        ("1906(1)", 1906),
        ("1887-88", 1887),
        ("c.1889-1890", 1889),
        ("1640-1650", 1640),
        ("between 1870 and 1874", 1870),
        ("1889-05-12", 1889),
        ("12/05/1889", 1889),
        ("Venice - 1877", 1877),
        ("1880s", 1880),
        ("early 1900s", 1900),
        ("16th century", 1501),
        ("late 16th c.", 1567),
        ("17th-18th century", 1601),
        ("XVII century", 1601),
        ("second half of XVII century", 1651),
        ("15th century, c. 1490", 1490),
        ("c. 890", 890),
        ("500 BC", -500),
    ],
)
def test_words_tell_the_first_year(words: object, year: int) -> None:
    assert read_date(words).year == year


@pytest.mark.parametrize("words", [None, "", "n.d.", "undated", "?", float("nan")])
def test_no_date_is_understood_as_none(words: object) -> None:
    assert read_date(words).year is None and read_date(words).understood


@pytest.mark.parametrize("words", ["soon", "99999", -4000, True, 1872.5, [1872], "1_872", "civic", "25th century", "3456"])
def test_what_is_no_date_is_said(words: object) -> None:
    assert read_date(words).year is None and not read_date(words).understood

import pytest

from impasto.data.importing.rows import class_words, tidy_row
from impasto.data.importing.safe_names import safe_name
from impasto.data.importing.wikiart import row_of_name


def test_columns_are_known_by_many_names() -> None:
    row, remarks = tidy_row(
        {"Painter": "Monet, Claude", "Artwork Title": "Boats", "Date Created": "c.1889", "Movement": "Post_Impressionism"}
    )
    assert row == {
        "title": "Boats", "style": "Post Impressionism", "artist": "Claude Monet", "year": 1889, "date": "c.1889",
    }  # fmt: skip
    assert remarks == ()


def test_year_and_date_stand_side_by_side() -> None:
    assert tidy_row({"year": 1889, "date": "autumn 1889"})[0] == {"year": 1889, "date": "autumn 1889"}
    assert tidy_row({"date": "autumn 1889", "year": 1889})[0] == {"year": 1889, "date": "autumn 1889"}


def test_further_columns_and_defaults() -> None:
    row, _ = tidy_row({"Source": " a book ", "artist": "", "width": 12}, {"artist": "paul-klee", "style": "Cubism"})
    assert row == {"artist": "Paul Klee", "style": "Cubism", "source": "a book", "width": 12}


def test_what_is_no_date_is_kept_in_words_with_a_remark() -> None:
    row, remarks = tidy_row({"year": "soon"})
    assert row == {"date": "soon"} and remarks == ("date 'soon' tells no year",)


def test_classes_in_words() -> None:
    assert class_words("still_life") == "still life"
    assert class_words("Art_Nouveau") == class_words("Art_Nouveau_Modern") == "Art Nouveau Modern"
    assert class_words("Unknown Genre") == ""


@pytest.mark.parametrize(
    ("name", "row"),
    [
        (
            "Impressionism/claude-monet_water-lilies-1906(1).jpg",
            {"artist": "Claude Monet", "title": "Water lilies", "year": 1906, "style": "Impressionism"},
        ),
        (
            "wikiart/Symbolism/arnold-bã¶cklin_dante-s-hell-1883-2.jpg",
            {"artist": "Arnold Böcklin", "title": "Dante's hell", "year": 1883, "style": "Symbolism"},
        ),
        (
            "Baroque/alexey-zubov_battle-of-gangut-june-27-1714-1715.jpg",
            {"artist": "Alexey Zubov", "title": "Battle of gangut june 27 1714", "year": 1715, "style": "Baroque"},
        ),
        ("Cubism/paul-klee_not-detected-212.jpg", {"artist": "Paul Klee", "style": "Cubism"}),
        ("pont-d-asnieres.jpg", {"title": "Pont d'asnieres"}),
        ("Realism/henri-martin_1889.jpg", {"artist": "Henri Martin", "year": 1889, "style": "Realism"}),
    ],
)
def test_wikiarts_names_tell_artist_title_and_year(name: str, row: dict[str, object]) -> None:
    assert row_of_name(name) == row


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b c.jpg", "a/b c.jpg"),
        ("two\nlines\x1b[31m.jpg", "two lines [31m.jpg"),
        ("C:\\pictures\\a.jpg", "C__pictures_a.jpg"),
        ("../../etc/a.jpg", "etc/a.jpg"),
        ("/a.jpg", "a.jpg"),
        (".hidden/a.jpg", "hidden/a.jpg"),
        ("...", "picture"),
    ],
)
def test_names_lead_nowhere_else(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_long_names_fit_a_file_system() -> None:
    for letter in "aä漢":
        name = safe_name(f"{letter * 400}.jpeg")
        assert len(name.encode()) <= 250 and name.endswith(".jpeg")

import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from impasto.data.annotations.tag_vocabulary import Tag, tag_vocabulary
from impasto.errors import ImpastoError

HEADER = "tag\tcategory\tsubjects\n"
# Letters, spaces, hyphens and apostrophes: no slash, no comma.
WORDS = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*(?: [^\W\d_]+(?:['-][^\W\d_]+)*)*")


def test_about_a_thousand_tags_in_fair_shares() -> None:
    tags = tag_vocabulary()
    shares = Counter(tag.category for tag in tags)
    assert 900 <= len(tags) <= 1100
    assert 15 <= len(shares) <= 20 and min(shares.values()) >= 20 and max(shares.values()) <= 150
    assert sum(not tag.subjects for tag in tags) <= 120


def test_no_tag_and_no_subject_stands_twice() -> None:
    tags = tag_vocabulary()
    assert [name for name, count in Counter(tag.name.casefold() for tag in tags).items() if count > 1] == []
    assert [subject for subject, count in Counter(s for tag in tags for s in tag.subjects).items() if count > 1] == []
    assert [tag.name for tag in tags if any(s != s.strip() or "|" in s for s in tag.subjects)] == []


def test_tags_are_what_a_person_would_type() -> None:
    tags = tag_vocabulary()
    assert [tag.name for tag in tags if not WORDS.fullmatch(tag.name) or len(tag.name.split()) > 4] == []
    capital = {tag.category for tag in tags if tag.name != tag.name.lower()}
    assert capital == {"religion", "myth"}


@pytest.mark.parametrize(
    ("name", "category", "subject"),
    [
        ("sailing boat", "vessels and vehicles", "boat, sailing"),
        ("raised arms", "body and posture", "arm/arms raised"),
        ("face", "body and posture", "head / face"),
        ("dog", "animals", "dog - non-specific"),
        ("bonnet", "clothes", "hat, bonnet"),
        ("Venus", "myth", "Aphrodite / Venus"),
        ("annunciation", "religion", "Annunciation"),
        ("self-portrait", "kind of picture", "self-portraits"),
    ],
)
def test_tates_terms_lead_to_tags(name: str, category: str, subject: str) -> None:
    assert [(t.name, t.category) for t in tag_vocabulary() if subject in t.subjects] == [(name, category)]


def test_what_cannot_be_seen_and_who_and_where_is_left_out() -> None:
    subjects = {subject for tag in tag_vocabulary() for subject in tag.subjects}
    assert not subjects & {"England", "River Thames", "Beuys, Joseph", "irony", "eroticism", "photographic"}


def test_the_file_names_its_source() -> None:
    begin = files("impasto.data.annotations").joinpath("tag_vocabulary.tsv").read_text("utf-8").split(HEADER)[0]
    assert all(line.startswith("# ") for line in begin.splitlines())
    assert "Tate" in begin and "CC0" in begin and "Impasto" in begin


def test_a_caller_cannot_spoil_the_built_in_tags() -> None:
    tag_vocabulary().clear()
    assert tag_vocabulary()[0] == Tag("man", "people", ("man",))


def test_plain_lines_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "tags.txt"
    file.write_bytes("\ufeff# mine\r\nred barn\r\n\r\n  Hokusai's wave, large \r\nsea\x1b[2J fog".encode())
    assert tag_vocabulary(file) == [Tag("red barn"), Tag("Hokusai's wave, large"), Tag("sea [2J fog")]


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "tags.tsv"
    file.write_bytes(f"# mine\n{HEADER}barn\tfarm\tbarn | shed, wooden\nsilo\t\t\n".replace("\n", "\r\n").encode())
    assert tag_vocabulary(file) == [Tag("barn", "farm", ("barn", "shed, wooden")), Tag("silo")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "holds no tag"),
        (b"# only this\n\n", "holds no tag"),
        (HEADER.encode(), "holds no tag"),
        (b"boat\n# sea\nBoat\n", 'line 3: the tag "Boat" is already on line 1'),
        (b"boat\nsea\tblue\n", "line 2: a line here holds one tag and no tabs"),
        (HEADER.encode() + b"boat\tvessels\n", "line 2: a line here holds a tag, its category and its subjects"),
        (HEADER.encode() + b"\tvessels\tboat\n", "line 2: a line here holds a tag"),
        (b"\x07\n", "line 1: a line here holds one tag"),
        ("café".encode("latin-1"), "is not UTF-8"),
        ("boat".encode("utf-16"), "is not UTF-8"),
    ],
)
def test_a_file_with_something_wrong_gets_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "tags.txt"
    file.write_bytes(content)
    with pytest.raises(ImpastoError) as caught:
        tag_vocabulary(file)
    assert sentence in str(caught.value) and str(file) in str(caught.value) and "\n" not in str(caught.value)


def test_no_file_and_a_folder_get_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match="there is no such file"):
        tag_vocabulary(tmp_path / "none.txt")
    with pytest.raises(ImpastoError, match="cannot be read"):
        tag_vocabulary(tmp_path)

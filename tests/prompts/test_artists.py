import pytest

from impasto.errors import UsageError
from impasto.prompts.artists import Artist, ArtistIndex, plain_name

INDEX = ArtistIndex([
    Artist("Claude Monet", 408), Artist("Vincent van Gogh", 403), Artist("Albrecht Dürer", 317), Artist("Rembrandt", 296),
    Artist("Henri de Toulouse-Lautrec", 125), Artist("El Greco", 90), Artist("Agostino Carracci", 11),
    Artist("Annibale Carracci", 20), Artist("Théodore Rousseau", 9), Artist("Henri Rousseau", 30),
    Artist("Adriaen van de Velde", 4),
])  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("monet", "Claude Monet"), ("MONET", "Claude Monet"), ("van gogh", "Vincent van Gogh"), ("durer", "Albrecht Dürer"),
        ("Dürer", "Albrecht Dürer"), ("DU\u0308RER", "Albrecht Dürer"), ("rembrandt van rijn", "Rembrandt"),
        ("toulouse lautrec", "Henri de Toulouse-Lautrec"), ("Toulouse-Lautrec", "Henri de Toulouse-Lautrec"),
        ("greco", "El Greco"), ("vincent", "Vincent van Gogh"), ("annibale", "Annibale Carracci"),
        ("theodore rousseau", "Théodore Rousseau"), ("van  de   velde", "Adriaen van de Velde"),
    ],
)  # fmt: skip
def test_names_are_found(typed: str, name: str) -> None:
    assert INDEX.resolve(typed).name == name


def test_every_full_name_is_itself() -> None:
    assert all(INDEX.resolve(artist.name) is artist for artist in INDEX.artists)


def test_several_are_named() -> None:
    with pytest.raises(UsageError, match=r"Annibale Carracci.*Agostino Carracci"):
        INDEX.resolve("carracci")


@pytest.mark.parametrize(
    ("typed", "near"), [("monnet", "Claude Monet"), ("van gohg", "Vincent van Gogh"), ("dürrer", "Dürer")]
)
def test_an_unknown_name_tells_the_nearest(typed: str, near: str) -> None:
    with pytest.raises(UsageError, match=near):
        INDEX.resolve(typed)


@pytest.mark.parametrize("typed", ["", "  ", "--", "zzzzqqq"])
def test_nobody(typed: str) -> None:
    with pytest.raises(UsageError):
        INDEX.resolve(typed)


def test_search() -> None:
    assert [artist.name for artist in INDEX.search("mon")] == ["Claude Monet"]
    assert [artist.name for artist in INDEX.search("rousseau")] == ["Henri Rousseau", "Théodore Rousseau"]
    assert len(INDEX.search("")) == len(INDEX)
    assert plain_name("Łukasz Ørsted-Æbelø") == "lukasz orsted aebelo"


FAMILIES = ArtistIndex([
    Artist("András Markó", 3), Artist("Károly Markó the Elder", 9), Artist("Károly Markó the Younger", 5),
    Artist("Caravaggio", 40), Artist("Michelangelo", 70), Artist("Raphael", 60), Artist("Raphael Kirchner", 8),
    Artist("El Greco", 9), Artist("T. C. Steele", 2),
    Artist("Jacques-Louis David", 30), Artist("Caspar David Friedrich", 50), Artist("Pieter Bruegel the Elder", 12),
])  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("bruegel", "Pieter Bruegel the Elder"), ("pieter bruegel", "Pieter Bruegel the Elder"),
        ("Markó the Younger", "Károly Markó the Younger"), ("raphael", "Raphael"), ("kirchner", "Raphael Kirchner"),
        ("Raphael Sanzio", "Raphael"), ("Friedrich, Caspar David", "Caspar David Friedrich"),
        ("david", "Jacques-Louis David"),
        ("Kirchner, Raphael the painter", "Raphael Kirchner"), ("El Greco the Greek", "El Greco"),
    ],
)  # fmt: skip
def test_families_and_namesakes(typed: str, name: str) -> None:
    assert FAMILIES.resolve(typed).name == name


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("Markó", r"Károly Markó the Elder, Károly Markó the Younger, András Markó"),
        ("Károly Markó", r"the Elder, Károly Markó the Younger"),
        ("Michelangelo Merisi da Caravaggio", r"Michelangelo, Caravaggio"),
    ],
)
def test_the_ambiguous_are_never_guessed(typed: str, names: str) -> None:
    with pytest.raises(UsageError, match=f"may be .*{names}"):
        FAMILIES.resolve(typed)


@pytest.mark.parametrize("typed", ["el", "t", "younger", "C", "brueghel", "markoo"])
def test_neither_small_words_nor_initials_nor_slips_name_somebody(typed: str) -> None:
    with pytest.raises(UsageError, match="knows no artist"):
        FAMILIES.resolve(typed)


def test_names_that_differ_in_accents_alone_are_each_themselves() -> None:
    index = ArtistIndex([Artist("Carl Larsson", 2), Artist("Carl Larssön", 1)])
    assert [index.resolve(artist.name).works for artist in index.artists] == [2, 1]


def test_an_endless_name_is_answered_shortly() -> None:
    with pytest.raises(UsageError) as caught:
        INDEX.resolve("x" * 100_000)
    assert len(str(caught.value)) < 400

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

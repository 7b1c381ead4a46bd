import pytest

from impasto.data.annotations.tag_phrase import listed, tags_as_phrase, with_article
from impasto.data.annotations.tag_vocabulary import Tag, tag_vocabulary

TAGS = {tag.name: tag for tag in tag_vocabulary()}


@pytest.mark.parametrize(
    ("names", "phrase"),
    [
        ("portrait,woman,sitting,hat", "a portrait of a woman sitting in a hat"),
        ("landscape,river,bridge,tree,sunset", "a landscape with a river, a bridge and a tree, at sunset"),
        ("portrait of a man,man,beard", "a portrait of a man with a beard"),
        ("sailing boat,sea,storm", "a sailing boat, the sea and a storm"),
        ("woman,reading,white dress,garden", "a woman reading in a white dress with a garden"),
        ("old man", "an old man"),
        ("standing", "a figure standing"),
        ("Christ,Virgin Mary", "Christ and Virgin Mary"),
        ("geometric shapes", ""),
        ("night", "at night"),
        ("", ""),
    ],
)
def test_tags_become_a_phrase(names: str, phrase: str) -> None:
    assert tags_as_phrase([TAGS[name] for name in names.split(",") if name]) == phrase


def test_every_tag_of_the_vocabulary_can_be_said() -> None:
    for tag in TAGS.values():
        phrase = tags_as_phrase([tag])
        assert phrase == phrase.strip() and "  " not in phrase
        assert phrase or tag.category == "abstract", tag.name


def test_a_tag_of_a_users_own_is_said_too() -> None:
    assert tags_as_phrase([Tag("umbrella stand"), Tag("clouds")]) == "an umbrella stand and clouds"
    assert (with_article("sea"), with_article("mist"), with_article("apples")) == ("the sea", "mist", "apples")
    assert (listed([]), listed(["a"]), listed(["a", "b"])) == ("", "a", "a and b")

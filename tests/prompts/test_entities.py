from collections.abc import Sequence

import pytest

from impasto.errors import ImpastoError
from impasto.prompts.entities import check_labels, find_entities, names_people


@pytest.mark.parametrize(
    ("text", "places", "times"),
    [
        ("Shenzhen grew from a village near Hong Kong in the 1980s.", ["Shenzhen", "Hong Kong"], ["1980s"]),
        ("boats at sunset in the harbour", [], ["at sunset"]),
        ("a market in the fifteenth century", [], ["fifteenth century"]),
        ("a quiet summer evening", [], ["summer evening"]),
        ("three red apples on a plate", [], []),
        ("", [], []),
    ],
)
def test_places_and_times_are_found(text: str, places: list[str], times: list[str]) -> None:
    (found,) = find_entities([text])
    assert [entity.words for entity in found if entity.kind == "place"] == places
    seen = [entity.words for entity in found if entity.kind == "time"]
    assert len(seen) == len(times) and all(a in b for a, b in zip(times, seen, strict=True)), seen
    assert all(text[entity.start : entity.end] == entity.words for entity in found)


class Named:
    """Finds the words that it was told, each with its label."""

    name = "named"

    def __init__(self, **labels: str) -> None:
        self._words = labels
        self.labels = tuple(labels.values())

    def spans(self, texts: Sequence[str]) -> list[list[tuple[str, int, int]]]:
        return [
            [(label, text.find(word), text.find(word) + len(word)) for word, label in self._words.items() if word in text]
            for text in texts
        ]


@pytest.mark.parametrize("label", ["LOC", "GPE", "GEO", "FAC", "LOCATION", "CITY"])
def test_labels_of_places(label: str) -> None:
    (found,) = find_entities(["a street in Honfleur"], Named(Honfleur=label))
    assert [(entity.words, entity.kind) for entity in found] == [("Honfleur", "place")]


@pytest.mark.parametrize("label", ["DATE", "TIME", "TIM"])
def test_labels_of_times(label: str) -> None:
    (found,) = find_entities(["a street on Monday"], Named(Monday=label))
    assert [(entity.words, entity.kind) for entity in found] == [("Monday", "time")]


@pytest.mark.parametrize(
    ("text", "words", "kind"),
    [
        ("the fleet on 3 May 1888", "3 May 1888", "time"),
        ("the fleet on May 3rd", "May 3rd", "time"),
        ("the fleet in March 1888", "March 1888", "time"),
        ("trains at 6 pm", "6 pm", "time"),
        ("trains at 21:30", "21:30", "time"),
        ("trains at 5 o'clock", "5 o'clock", "time"),
        ("a door at 12 Baker Street", "12 Baker Street", "place"),
        ("a cafe on Rue de Rivoli", "Rue de Rivoli", "place"),
    ],
)
def test_dates_and_addresses_are_found_without_their_labels(text: str, words: str, kind: str) -> None:
    """As by a recogniser of CoNLL-2003, which knows neither."""
    (found,) = find_entities([text], Named(Nobody="PER", Nowhere="LOC"))
    assert [(entity.words, entity.kind) for entity in found] == [(words, kind)]


@pytest.mark.parametrize("text", ["a march through May flowers", "three boats, 6 sails", "the street of a thousand lamps"])
def test_what_is_neither_date_nor_address(text: str) -> None:
    assert find_entities([text], Named(Nowhere="LOC")) == [[]]


def test_people_by_another_recogniser_or_by_spacy() -> None:
    text = "Claude Monet painted Rouen"
    assert names_people([text], Named(Rouen="PER")) == [["Rouen"]]
    by_spacy = names_people([text])
    assert names_people([text], Named(Rouen="LOC")) == by_spacy and "Claude Monet" in by_spacy[0]


def test_a_recogniser_without_places_and_times_is_refused() -> None:
    check_labels("two", ("ORG", "GPE"))
    with pytest.raises(ImpastoError, match=r"neither places nor times \(its labels: ORG, MISC\)"):
        check_labels("two", ("ORG", "MISC"))

import pytest

from impasto.prompts.entities import find_entities


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

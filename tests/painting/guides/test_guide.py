"""Guides as they are typed, and as they are read back from a record."""

from dataclasses import asdict
from typing import Any

import pytest

from impasto.errors import UsageError
from impasto.painting.foreign import RecordError
from impasto.painting.guides.guide import Guide, guide_of, parse_guide, with_weight, write_guide
from impasto.painting.guides.record import read_guides


@pytest.mark.parametrize(
    ("word", "guide"),
    [
        ("scorer", Guide("scorer", 150)),
        ("scorer:150", Guide("scorer", 150)),
        (" Scorer:1e2, cutouts=8, until=0.8", Guide("scorer", 100, cutouts=8, until=0.8)),
        ("scorer:model=some/clip,limit=0", Guide("scorer", 150, "some/clip", limit=0)),
        ("scorer:0,from=.2,smooth=50,range=3", Guide("scorer", 0, start=0.2, smooth=50, range=3)),
        ("classifier:runs/a", Guide("classifier", 1, "runs/a")),
        ("classifier:a.safetensors:Monet,3", Guide("classifier", 3, "a.safetensors", "Monet")),
        ("classifier:a:Gogh, Vincent van,2.5,until=0.5", Guide("classifier", 2.5, "a", "Gogh, Vincent van", until=0.5)),
    ],
)
def test_words_become_guides_and_words_again(word: str, guide: Guide) -> None:
    assert parse_guide(word) == guide
    assert parse_guide(write_guide(guide)) == guide
    assert parse_guide(with_weight(word, 7)).weight == 7


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("", "use scorer:WEIGHT"),
        ("clip:3", "use scorer:WEIGHT"),
        ("scorer:strong", "'strong' is no option of scorer: use from, until"),
        ("scorer:150,7", "'7' is no option"),
        ("scorer:150,cutouts=some", "use a whole number"),
        ("scorer:150,cutouts=1.5", "use a whole number"),
        ("scorer:150,cutouts=0", "cutouts 0: use 1 to 128"),
        ("scorer:150,cutouts=129", "cutouts 129: use 1 to 128"),
        ("scorer:150,until=late", "use a number"),
        ("scorer:150,until=1.2", "until 1.2: use 0 to 1"),
        ("scorer:150,from=0.8,until=0.2", "it would never act"),
        ("scorer:-1", "weight -1: use 0 to"),
        ("scorer:1e9", "use 0 to 1,000,000"),
        ("scorer:nan", "is no option"),
        ("classifier", "name the classifier"),
        ("classifier:,3", "name the classifier"),
        ("classifier:a,cutouts=3", "is no option of classifier: use from, until, limit"),
    ],
)
def test_wrong_words(word: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_guide(word)


def test_its_record() -> None:
    guides = [Guide("scorer", 150, until=0.5, cutouts=8), Guide("classifier", 2, "a", "Monet")]
    notes = [guide.note("ab" * 32) for guide in guides]
    rows = [asdict(note) for note in notes]
    assert read_guides(rows) == tuple(notes) and read_guides(None) is None
    assert [guide_of(note) for note in notes] == guides and guide_of(notes[0]).expected_hash == "ab" * 32
    assert str(notes[0]) == "scorer pocket (abababababab), weight 150, steps 0 to 0.5, 8 cut-outs, limit 0.1"
    assert notes[0].deciding() == Guide("scorer", 150, "", until=0.5, cutouts=8).note("ab" * 32).deciding()


@pytest.mark.parametrize("change", [
    {"kind": "clip"}, {"kind": 3}, {"weight": "150"}, {"weight": -1}, {"weight": float("inf")}, {"cutouts": 1000},
    {"until": 2}, {"label": "a\nb"}, {"model": None}, {"limit": True},
])  # fmt: skip
def test_a_wrong_record_is_refused(change: dict[str, Any]) -> None:
    row = {**asdict(Guide("scorer", 150).note("ab")), **change}
    with pytest.raises(RecordError, match="'guides'"):
        read_guides([row])
    with pytest.raises(RecordError):
        read_guides([])

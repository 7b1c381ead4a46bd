"""Richer prompts through the real command line, offline, with the model and the handbook that ship."""

import json

import pytest
from tests.journeys.conftest import Impasto

from impasto.prompts.entities import find_entities
from impasto.prompts.term_table import shipped_table


def test_urbanization_of_china(impasto: Impasto) -> None:
    answer = impasto("expand", "urbanization of China", "--json")
    assert answer.code == 0, answer.err
    rows = json.loads(answer.out)
    assert len(rows) == 5
    assert all(row["text"].startswith("urbanization of China, ") for row in rows)
    assert any(row["source"].startswith("handbook") for row in rows)
    assert sum(bool(row["spans"]) for row in rows) >= 2
    for row in rows:
        assert sum(row["components"].values()) == pytest.approx(row["score"], abs=1e-5)
    # The terms are those of equation 20, counted again here.
    own = rows[[row["source"].startswith("handbook") for row in rows].index(True)]
    sentence = own["text"].removeprefix("urbanization of China, ") + "."
    assert own["components"]["tf-idf"] == pytest.approx(shipped_table().richness(sentence), abs=1e-5)
    (entities,) = find_entities([sentence])
    assert own["components"]["place and time"] == pytest.approx(0.1 * min(3, len(entities)), abs=1e-5)
    again = impasto("expand", "urbanization of China", "--json")
    assert json.loads(again.out) == rows


def test_the_table_and_the_reasons(impasto: Impasto) -> None:
    answer = impasto("expand", "asia morning", "--count", 2, "--explain")
    assert answer.code == 0, answer.err
    assert "asia morning, " in answer.out and "off the subject" in answer.out
    lines = [line.split("\t") for line in answer.out.splitlines()]
    assert lines[0][:2] == ["1", lines[0][1]] and float(lines[0][1]) >= float(lines[1][1])


def test_knowledge_is_searched(impasto: Impasto) -> None:
    answer = impasto("knowledge", "search", "fishing village Shenzhen", "--json")
    assert answer.code == 0
    assert "Growth of Chinese cities" in [row["title"] for row in json.loads(answer.out)[:2]]
    nothing = impasto("knowledge", "search", "xqzzy")
    assert nothing.code == 0 and "nothing is known" in nothing.err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("expand", ""), "no word"),
        (("expand", "🚢🌊"), "no word"),
        (("expand", "boats\x07"), "control characters"),
        (("expand", "word " * 10_000), "characters"),
        (("expand", "boats", "--style", "loud"), "keep or free"),
        (("expand", "boats", "--count", 0), "count"),
        (("knowledge", "terms", "nowhere.txt", "--out", "t.tsv.gz"), "no such file"),
    ],
)
def test_bad_input_gets_a_sentence(impasto: Impasto, arguments: tuple[object, ...], word: str) -> None:
    answer = impasto(*arguments)
    assert answer.code == 2
    assert word in answer.err and len(answer.err.strip().splitlines()) == 1
    assert answer.out == ""


def test_an_artists_entry_in_the_handbook(impasto: Impasto) -> None:
    answer = impasto("artists", "monet", "--json")
    assert answer.code == 0, answer.err
    facts = json.loads(answer.out)
    assert facts["artist"] == "Claude Monet" and facts["life"] == "1840-1926" and "Giverny" in facts["places"]
    unknown = impasto("artists", "nobody at all")
    assert unknown.code == 2 and len(unknown.err.strip().splitlines()) == 1

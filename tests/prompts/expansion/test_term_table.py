import gzip
import math
from pathlib import Path

import pytest

from impasto.errors import ImpastoError
from impasto.prompts.expansion.term_table import TFIDF, TermTable, words_of

TEXTS = ["a boat at sea", "a boat in the harbour", "the sea and the sky", "a lighthouse by the sea, 1872"]


def test_words_are_small_and_years_stay() -> None:
    assert words_of("Monet’s Boats, 1872 (no. 12)!") == ["monet's", "boats", "1872", "no"]


def test_weights_are_inverse_document_frequencies() -> None:
    table = TermTable.count(TEXTS, at_least=1)
    assert table.documents == 4 and table.frequencies["sea"] == 3 and table.frequencies["the"] == 3
    assert table.weight("sea") == pytest.approx(math.log(5 / 4))
    assert table.weight("lighthouse") == pytest.approx(math.log(5 / 2))
    assert TermTable.count(TEXTS, at_least=2).frequencies == {"a": 3, "boat": 2, "sea": 3, "the": 3}


def test_what_a_text_says_grows_with_rare_words_and_stays_below_one() -> None:
    table = TermTable.count(TEXTS * 50, at_least=1)
    poor, rich = table.information("the sea"), table.information("a lighthouse, a harbour and a boat by the sea")
    assert 0 < poor < rich < 1
    assert table.information("") == 0
    assert table.information("xqzzy") <= table.information("lighthouse harbour")
    assert table.information(" ".join(f"word{chr(97 + n % 26)}{'x' * n}" for n in range(300))) < 1


def test_each_first_term_is_what_its_name_says() -> None:
    table = TermTable.count(TEXTS, at_least=1)
    boat, lighthouse, sea = (table.weight(word) for word in ("boat", "lighthouse", "sea"))
    text = "boat lighthouse lighthouse sea xqzzy"  # five words, one of them unknown
    twice = (1 + math.log(2)) * lighthouse
    total, norm = boat + twice + sea, math.sqrt(boat**2 + twice**2 + sea**2)
    for name, value in {
        "pivoted": total / (5 + 4) / 4.25,
        "mean": total / 5 / 5.5,
        "root": total / math.sqrt(5) / 20,
        "sum": total / (total + 26),
        "norm": norm / 27,
    }.items():
        assert table.richness(text, name) == pytest.approx(value)
    assert table.richness(text) == table.richness(text, "pivoted")


@pytest.mark.parametrize("name", TFIDF)
def test_every_first_term_stays_within_its_bounds(name: str) -> None:
    table = TermTable.count([*TEXTS * 50, *(f"rare{chr(97 + n)}" for n in range(26))], at_least=1)
    assert table.richness("", name) == table.richness("xqzzy ...", name) == 0
    assert 0 < table.richness("lighthouse", name) <= 1
    assert table.richness(" ".join(f"rare{chr(97 + n % 26)}" for n in range(300)), name, 0.0) <= 1


def test_words_of_few_texts_weigh_nothing() -> None:
    table = TermTable.count([*TEXTS * 50, "institutional"], at_least=1)
    assert table.richness("institutional", "mean", 0.0) > table.richness("sea", "mean", 0.0)
    assert table.richness("institutional", "mean", 0.01) == 0 < table.richness("sea", "mean", 0.01)


def test_a_long_abstract_text_does_not_win_by_its_length() -> None:
    from impasto.prompts.expansion.term_table import shipped_table

    concrete = "three fishing boats lie on the beach under the lighthouse"
    padding = ", which fundamentally reflects the institutional consequences of modernisation and inequality in society"
    table = shipped_table()
    assert table.richness(concrete) > table.richness(concrete + padding)
    assert table.richness(concrete, "sum") < table.richness(concrete + padding, "sum")


def test_a_table_is_written_and_read_the_same(tmp_path: Path) -> None:
    table = TermTable.count(TEXTS, ["four lines about the sea, ours"], at_least=1)
    first, second = tmp_path / "a.tsv.gz", tmp_path / "b.tsv.gz"
    table.write(first)
    table.write(second)
    assert TermTable.read(first) == table
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    "data",
    [b"", b"text", gzip.compress(b"something else", mtime=0), gzip.compress(b"# impasto term table 1\nmany", mtime=0)],
    ids=["nothing", "text", "another table", "a count that is none"],
)
def test_another_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.tsv.gz"
    path.write_bytes(data)
    with pytest.raises(ImpastoError, match="term table"):
        TermTable.read(path)

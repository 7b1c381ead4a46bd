import gzip
import math
from pathlib import Path

import pytest

from impasto.errors import ImpastoError
from impasto.prompts.expansion.term_table import TermTable, words_of

TEXTS = ["a boat at sea", "a boat in the harbour", "the sea and the sky", "a lighthouse by the sea, 1872"]


def test_words_are_small_and_years_stay() -> None:
    assert words_of("Monet’s Boats, 1872 (no. 12)!") == ["monet's", "boats", "1872", "no"]


def test_weights_are_inverse_document_frequencies() -> None:
    table = TermTable.count(TEXTS, at_least=1)
    assert table.documents == 4 and table.frequencies["sea"] == 3 and table.frequencies["the"] == 3
    assert table.weight("sea") == pytest.approx(math.log(5 / 4))
    assert table.weight("lighthouse") == pytest.approx(math.log(5 / 2))
    assert TermTable.count(TEXTS, at_least=2).frequencies == {"a": 3, "boat": 2, "sea": 3, "the": 3}


def test_richness_grows_with_rare_words_and_stays_below_one() -> None:
    table = TermTable.count(TEXTS * 50, at_least=1)
    poor, rich = table.richness("the sea"), table.richness("a lighthouse, a harbour and a boat by the sea")
    assert 0 < poor < rich < 1
    assert table.richness("") == 0
    assert table.richness("xqzzy") <= table.richness("lighthouse harbour")
    assert table.richness(" ".join(f"word{chr(97 + n % 26)}{'x' * n}" for n in range(300))) < 1


def test_a_table_is_written_and_read_the_same(tmp_path: Path) -> None:
    table = TermTable.count(TEXTS, ["four lines about the sea, ours"], at_least=1)
    first, second = tmp_path / "a.tsv.gz", tmp_path / "b.tsv.gz"
    table.write(first)
    table.write(second)
    assert TermTable.read(first) == table
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    "data",
    [b"", b"text", gzip.compress(b"something else"), gzip.compress(b"# impasto term table 1\nmany")],
    ids=["nothing", "text", "another table", "a count that is none"],
)
def test_another_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.tsv.gz"
    path.write_bytes(data)
    with pytest.raises(ImpastoError, match="term table"):
        TermTable.read(path)

import gzip
import json
from pathlib import Path

import pytest

from impasto.errors import ImpastoError
from impasto.prompts.knowledge.text_files import read_texts

BOOK = """The Project Gutenberg eBook of Boats
*** START OF THE PROJECT GUTENBERG EBOOK BOATS ***

Boats lie in
the harbour.

The sea is grey.

*** END OF THE PROJECT GUTENBERG EBOOK BOATS ***
Licence and terms.
"""


def test_lists_books_and_tables(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("red boats\nblue horses\nold harbours\n", "utf-8")
    (tmp_path / "b.txt").write_text(BOOK, "utf-8")
    (tmp_path / "c.json").write_text(json.dumps({"title": "Old Boats", "id": "A1", "parts": ["grey sea", 3]}), "utf-8")
    with gzip.open(tmp_path / "d.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write('{"title": "A Stormy <i>Sea</i>"}\n\n{"title": "Calm Sea"}\n')
    (tmp_path / "e.csv").write_text('"one boat, red",7\n', "utf-8")
    (tmp_path / "f.png").write_bytes(b"no text")
    texts = list(read_texts(tmp_path))
    assert texts[:3] == ["red boats", "blue horses", "old harbours"]
    assert texts[3:5] == ["Boats lie in the harbour.", "The sea is grey."]
    assert [" ".join(text.split()) for text in texts[5:]] == [
        "Old Boats", "grey sea", "A Stormy Sea", "Calm Sea", "one boat, red",
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "data"), [("a.pdf", b"x"), ("a.json", b"{"), ("a.txt.gz", b"not gzip")])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ImpastoError, match=name):
        list(read_texts(path))

"""Which files of what a user names hold articles."""

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pytest

from impasto.errors import ImpastoError, UsageError
from impasto.prompts.knowledge.dump_files import find_dump_files, look_at

XML = b"<mediawiki><page><title>A</title><ns>0</ns></page></mediawiki>"
LINE = json.dumps({"title": "A", "text": "b"}).encode()


def names(*given: Path) -> tuple[list[str], list[str]]:
    told: list[str] = []
    return [file.path.name for file in find_dump_files(given, told.append)], told


@pytest.mark.parametrize(
    ("content", "kind", "packing"),
    [
        (XML, "xml", ""),
        (b"\xef\xbb\xbf<?xml version='1.0'?>" + XML, "xml", ""),
        (bz2.compress(XML), "xml", "bz2"),
        (gzip.compress(LINE, mtime=0), "jsonl", "gz"),
        (lzma.compress(LINE), "jsonl", "xz"),
        (b"[" + LINE + b"]", "json", ""),
        (b"{\n " + LINE[1:], "json", ""),
        (b'<doc id="1" title="A">', "docs", ""),
        (b"PAR1", "parquet", ""),
    ],
)
def test_a_file_is_what_it_holds_whatever_its_name(tmp_path: Path, content: bytes, kind: str, packing: str) -> None:
    (tmp_path / "download").write_bytes(content)
    file = look_at(tmp_path / "download")
    assert (file.kind, file.packing) == (kind, packing)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"7z\xbc\xaf\x27\x1c", "7z e"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (bz2.compress(b"600:10:AccessibleComputing\n"), "index of a multistream dump"),
        (b"<feed><doc/></feed>", "begins with <feed>"),
        (b"-- MySQL dump 10", "database tables"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b"%PDF-1.7", "articles are read from"),
    ],
)
def test_what_holds_no_articles_is_told(tmp_path: Path, content: bytes, word: str) -> None:
    (tmp_path / "download").write_bytes(content)
    with pytest.raises(ImpastoError, match=word):
        look_at(tmp_path / "download")


def test_the_parts_of_a_dump_come_in_their_order(tmp_path: Path) -> None:
    parts = [f"dewiki-20240101-pages-articles{n}.xml-p{n}p{n + 1}.bz2" for n in (1, 2, 10)]
    for name in parts:
        (tmp_path / name).write_bytes(bz2.compress(XML))
    (tmp_path / "dewiki-20240101-md5sums.txt").write_text("abc")
    (tmp_path / ".listing").write_text("x")
    found, told = names(tmp_path)
    assert found == parts
    assert len(told) == 1 and "md5sums" in told[0]
    assert names(tmp_path / "*articles*.bz2") == (parts, [])
    assert names(tmp_path / parts[2], tmp_path / parts[0], tmp_path / parts[0])[0] == [parts[0], parts[2]]
    alone, told = names(tmp_path / parts[0])
    assert alone == parts[:1] and "2 more of the dump" in told[0]


def test_a_dump_that_is_there_twice_is_read_once(tmp_path: Path) -> None:
    whole = "enwiki-20240101-pages-articles.xml"
    for name in (f"{whole}.bz2", "enwiki-20240101-pages-articles-multistream.xml.bz2"):
        (tmp_path / name).write_bytes(bz2.compress(XML))
    (tmp_path / "enwiki-20240101-pages-articles1.xml-p1p9").write_bytes(XML)
    found, told = names(tmp_path)
    assert found == [f"{whole}.bz2"]
    assert len(told) == 2


def test_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for given, word in ((tmp_path, "none of its 1 files"), (tmp_path / "*.bz2", "no file of such a name"),
                        (tmp_path / "x.xml", "no such file")):  # fmt: skip
        with pytest.raises(UsageError, match=word):
            find_dump_files([given])

import bz2
import gzip
import json
from pathlib import Path

import pytest

from impasto.errors import ImpastoError
from impasto.prompts.knowledge.markup import clean_sentences
from impasto.prompts.knowledge.wiki_dump import read_pages
from impasto.prompts.knowledge.wiki_page import Page

SOURCE = """{{Infobox city|name=Shenzhen|population={{formatnum:17000000}}}}
[[File:Shenzhen.jpg|thumb|The [[skyline]] at night.]]
'''Shenzhen''' (<ref name="a">A book</ref>) is a city in [[Guangdong|southern China]].<ref>Another</ref> It grew from
{| class="wikitable"
! Year !! People
|-
| 1980 || 30,000
|}
== History ==
* a list item that should not stay here.
Originally a collection of [[fishing village]]s, Shenzhen rapidly grew after 1980. It faces [[Hong Kong]].
[[Category:Cities in China]]
"""


def page_xml(title: str, text: str, namespace: int = 0, redirect: str = "") -> str:
    from xml.sax.saxutils import escape, quoteattr

    to = f"<redirect title={quoteattr(redirect)} />" if redirect else ""
    return (
        f"<page><title>{escape(title)}</title><ns>{namespace}</ns><id>1</id>{to}"
        f"<revision><id>2</id><text xml:space='preserve'>{escape(text)}</text></revision></page>"
    )


def dump(*pages: str) -> bytes:
    head = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11"><siteinfo></siteinfo>'
    return (head + "\n".join(pages) + "</mediawiki>").encode()


PAGES = (
    page_xml("Shenzhen", SOURCE),
    page_xml("Talk:Shenzhen", "talk", namespace=1),
    page_xml("Sham Chun", "#REDIRECT [[Shenzhen]]", redirect="Shenzhen"),
)


@pytest.mark.parametrize("kind", ["xml", "xml.bz2", "xml.gz", "multistream.xml.bz2"])
def test_articles_and_redirects_of_a_dump(tmp_path: Path, kind: str) -> None:
    data, path = dump(*PAGES), tmp_path / f"wiki.{kind}"
    if kind.startswith("multistream"):
        middle = len(data) // 2
        path.write_bytes(bz2.compress(data[:middle]) + bz2.compress(data[middle:]))
    else:
        path.write_bytes({"xml": lambda d: d, "xml.bz2": bz2.compress, "xml.gz": gzip.compress}[kind](data))
    pages = list(read_pages(path))
    assert [(page.title, page.redirect) for page in pages] == [("Shenzhen", ""), ("Sham Chun", "Shenzhen")]
    assert pages[0].text == SOURCE


def test_sentences_are_clean() -> None:
    sentences = clean_sentences(Page("Shenzhen", SOURCE))
    assert "Originally a collection of fishing villages, Shenzhen rapidly grew after 1980." in sentences
    assert any(sentence.startswith("Shenzhen is a city in southern China") for sentence in sentences)
    assert not any("list item" in s or "Infobox" in s or "30,000" in s or "skyline" in s for s in sentences)
    assert clean_sentences(Page("Shenzhen", SOURCE), most=1) == sentences[:1]


def test_jsonl(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text(json.dumps({"title": "Boats", "text": "Boats float on water. They carry people."}) + "\n\n", "utf-8")
    (page,) = read_pages(path)
    assert clean_sentences(page)[0] == "Boats float on water."


@pytest.mark.parametrize("damage", ["cut", "cut bz2", "text", "kind"])
def test_a_dump_that_breaks_off_is_named_after_its_pages(tmp_path: Path, damage: str) -> None:
    data = dump(*PAGES)
    names = {"cut": "a.xml", "cut bz2": "a.xml.bz2", "text": "a.xml", "kind": "a.pdf"}
    path = tmp_path / names[damage]
    path.write_bytes(
        {
            "cut": data[:-200],
            "cut bz2": bz2.compress(data)[:-20],
            "text": b"no dump",
            "kind": b"x",
        }[damage]
    )
    seen = []
    with pytest.raises(ImpastoError, match="a\\."):
        for page in read_pages(path):
            seen.append(page.title)
    assert seen[:1] == (["Shenzhen"] if damage == "cut" else [])


def test_a_part_of_a_dump_is_known_by_its_content(tmp_path: Path) -> None:
    for name in ("enwiki-20240101-pages-articles1.xml-p1p41242.bz2", "wiki", "enwiki.bz2"):
        (tmp_path / name).write_bytes(bz2.compress(dump(*PAGES)))
        assert [page.title for page in read_pages(tmp_path / name)] == ["Shenzhen", "Sham Chun"]


def test_the_newest_revision_of_a_history_is_read(tmp_path: Path) -> None:
    revisions = "".join(
        f"<revision><timestamp>{year}-01-01T00:00:00Z</timestamp><text>The harbour of {year}.</text></revision>"
        for year in (2001, 2020, 2011)
    )
    (tmp_path / "history.xml").write_bytes(dump(f"<page><title>Harbour</title><ns>0</ns>{revisions}</page>"))
    assert [page.text for page in read_pages(tmp_path / "history.xml")] == ["The harbour of 2020."]


def test_old_dumps_without_redirect_elements_and_numbers_of_namespaces(tmp_path: Path) -> None:
    names = "<siteinfo><namespaces><namespace key='1'>Discusión</namespace></namespaces></siteinfo>"
    pages = "".join(
        f"<page><title>{title}</title><revision><text>{text}</text></revision></page>"
        for title, text in (("Puerto", "El puerto."), ("Discusión:Puerto", "x"), ("Muelle", "#REDIRECCIÓN [[Puerto]]"))
    )
    (tmp_path / "old.xml").write_text(f"<mediawiki>{names}{pages}</mediawiki>", "utf-8")
    found = [(page.title, page.redirect) for page in read_pages(tmp_path / "old.xml")]
    assert found == [("Puerto", ""), ("Muelle", "Puerto")]


def test_markup_that_was_not_escaped_is_read_on(tmp_path: Path) -> None:
    text = "The mill was built in stone. It<br />is large in winter."
    raw = f"<page><title>Mill</title><ns>0</ns><revision><text>{text}</text></revision></page>"
    (tmp_path / "raw.xml").write_bytes(dump(raw))
    (page,) = read_pages(tmp_path / "raw.xml")
    assert clean_sentences(page) == ["The mill was built in stone.", "It is large in winter."]


def test_lines_that_cannot_be_used_are_named_and_skipped(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    rows = [
        "\ufeff" + json.dumps({"title": "A", "text": "one"}),
        '{"title": "B", "text": "cut',
        '{"title": "C", "text": null}',
        "[1]",
        '{"text": "no title"}',
        json.dumps({"name": "D", "section_texts": ["two", "three"]}),
    ]
    path.write_text("\n".join(rows), "utf-8")
    told: list[str] = []
    assert [(page.title, page.text) for page in read_pages(path, None, told.append)] == [("A", "one"), ("D", "two\nthree")]
    assert [line.split(":")[0] for line in told] == [f"articles.jsonl, line {number}" for number in (2, 3, 4, 5)]
    assert "no JSON" in told[0] and "no text" in told[1] and "no title" in told[3]


def test_json_over_several_lines_or_in_one_list(tmp_path: Path) -> None:
    rows = [{"title": f"T{number}", "text": "x" * 300_000} for number in range(9)]
    (tmp_path / "list.json").write_text(json.dumps(rows, indent=2))
    (tmp_path / "objects.json").write_text("\n".join(json.dumps(row, indent=1) for row in rows))
    for name in ("list.json", "objects.json"):
        assert [page.title for page in read_pages(tmp_path / name)] == [row["title"] for row in rows]
    (tmp_path / "cut.json").write_text(json.dumps(rows[:2])[:-100_000])
    with pytest.raises(ImpastoError, match=r"cut\.json cannot be read to its end: article 2"):
        list(read_pages(tmp_path / "cut.json"))


def test_wikiextractor_and_parquet(tmp_path: Path) -> None:
    (tmp_path / "wiki_00").write_text(
        '<doc id="1" url="u" title="Mills &amp; towers">\nMills & towers\n\nA mill.\n</doc>\n'
        '<doc id="2" title="B">\nText\n</doc>\n'
    )
    found = [(page.title, page.text.strip()) for page in read_pages(tmp_path / "wiki_00")]
    assert found == [("Mills & towers", "A mill."), ("B", "Text")]
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"id": [1, 2], "title": ["A", "B"], "text": ["one", None]}), tmp_path / "p.parquet")
    told: list[str] = []
    assert [(page.title, page.text) for page in read_pages(tmp_path / "p.parquet", None, told.append)] == [("A", "one")]
    assert told == ["p.parquet, row 2: no text"]

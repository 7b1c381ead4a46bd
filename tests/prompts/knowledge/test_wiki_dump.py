import bz2
import gzip
import json
from pathlib import Path

import pytest

from impasto.errors import ImpastoError
from impasto.prompts.knowledge.wiki_dump import Page, clean_sentences, read_pages

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


@pytest.mark.parametrize("damage", ["cut", "cut bz2", "text", "rows", "kind"])
def test_a_dump_that_breaks_off_is_named_after_its_pages(tmp_path: Path, damage: str) -> None:
    data = dump(*PAGES)
    names = {"cut": "a.xml", "cut bz2": "a.xml.bz2", "text": "a.xml", "rows": "a.jsonl", "kind": "a.pdf"}
    path = tmp_path / names[damage]
    path.write_bytes(
        {
            "cut": data[:-200],
            "cut bz2": bz2.compress(data)[:-20],
            "text": b"no dump",
            "rows": b'{"title": "x"}\n',
            "kind": b"x",
        }[damage]
    )
    seen = []
    with pytest.raises(ImpastoError, match="a\\."):
        for page in read_pages(path):
            seen.append(page.title)
    assert seen[:1] == (["Shenzhen"] if damage == "cut" else [])

"""Streams pages from a MediaWiki `pages-articles` dump or a JSONL file; memory use does not grow with the file."""

import bz2
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from impasto.errors import ImpastoError, MissingPart
from impasto.prompts.knowledge.handbook import split_sentences

# Only the beginning of an article's source is read: the lead and the first sections describe its subject.
_MOST_SOURCE = 20_000  # characters
_MOST_SENTENCES = 40
_TELL_EVERY = 200  # pages
_GONE = re.compile(
    r"<!--.*?-->|<ref[^>]*/>|<ref.*?</ref>|<(math|gallery|timeline|syntaxhighlight|table|score|code)\b.*?</\1>|\{\|.*?\n\|\}",
    re.DOTALL | re.IGNORECASE,
)
_LISTS_AND_HEADINGS = re.compile(r"^[ \t]*[*#:;=!|].*$", re.MULTILINE)
_QUOTES = re.compile(r"'{2,5}")  # MediaWiki's bold and italic
_FILES = re.compile(r"\[\[(?:File|Image|Category|Datei|Fichier):", re.IGNORECASE)
_LEFTOVER = re.compile(r"[{}|<>\[\]=]|https?:|&[a-z]+;")
_ENDS_AS_A_SENTENCE = (".", "!", "?", '."', ".'")


@dataclass(frozen=True)
class Page:
    """An article, or a redirect to one. `text` is MediaWiki markup in a dump, and plain text in a JSONL file (`plain`)."""

    title: str
    text: str
    redirect: str = ""
    plain: bool = False


def read_pages(path: Path, on_share: Callable[[float], None] | None = None) -> Iterator[Page]:
    """Yields the articles and redirects of a dump or a JSONL file.

    A dump is .xml, .xml.bz2 or .xml.gz (multistream too), a JSONL file .jsonl, .jsonl.gz or .jsonl.bz2. Pages of other
    namespaces (talk, templates, files) are left out. `on_share` is called from time to time with the share of the file
    that was read.

    Raises:
        ImpastoError: the file is incomplete or is not a dump; all pages before that point were yielded.
    """
    name = path.name.removesuffix(".bz2").removesuffix(".gz")
    try:
        with path.open("rb") as raw, _unpacked(raw, path.suffix) as file:
            if name.endswith(".jsonl"):
                pages = _json_pages(file)
            elif name.endswith(".xml"):
                pages = _xml_pages(file)
            else:
                raise ImpastoError(f"{path}: articles are read from .xml and .jsonl, also as .bz2 or .gz")
            size = max(1, path.stat().st_size)
            for number, page in enumerate(pages):
                if on_share is not None and number % _TELL_EVERY == 0:
                    on_share(raw.tell() / size)
                yield page
    except ElementTree.ParseError as error:
        raise ImpastoError(f"{path} breaks off or is no MediaWiki dump: {error}") from None
    except (OSError, EOFError, ValueError) as error:
        raise ImpastoError(f"{path} cannot be read to its end: {error}") from None


def _unpacked(raw: IO[bytes], suffix: str) -> IO[bytes]:
    if suffix == ".bz2":
        return bz2.open(raw, "rb")  # reads the streams of a multistream dump one after the other
    if suffix == ".gz":
        return gzip.open(raw, "rb")  # pyright: ignore[reportReturnType]
    return raw


def _xml_pages(file: IO[bytes]) -> Iterator[Page]:
    events = ElementTree.iterparse(file, events=("start", "end"))
    root = None
    for event, element in events:
        if root is None:
            root = element
        if event == "start" or not element.tag.endswith("page"):
            continue
        space = element.tag[: -len("page")]
        title = element.findtext(f"{space}title") or ""
        redirect = element.find(f"{space}redirect")
        if element.findtext(f"{space}ns", "0") == "0" and title:
            text = element.findtext(f"{space}revision/{space}text") or ""
            yield Page(title, text, redirect.get("title", "") if redirect is not None else "")
        root.clear()  # frees the page, which would otherwise stay in memory below the root


def _json_pages(file: IO[bytes]) -> Iterator[Page]:
    for number, line in enumerate(io.TextIOWrapper(file, "utf-8"), start=1):
        if not line.strip():
            continue
        row = json.loads(line)
        if not isinstance(row, dict) or not isinstance(row.get("title"), str) or not isinstance(row.get("text"), str):
            raise ValueError(f"line {number} has no title and text")
        yield Page(row["title"], row["text"], plain=True)


def clean_sentences(page: Page, most: int = _MOST_SENTENCES) -> list[str]:
    """Returns the first sentences of a page as plain text, without templates, tables, references, lists or headings.

    Raises:
        MissingPart: mwparserfromhell is not installed.
    """
    text = page.text[:_MOST_SOURCE]
    if not page.plain:
        text = _without_markup(text)
    sentences: list[str] = []
    for line in text.splitlines():
        line = " ".join(line.split())
        if len(line) < 20:
            continue
        for sentence in split_sentences(line):
            if len(sentence.split()) >= 4 and sentence.endswith(_ENDS_AS_A_SENTENCE) and not _LEFTOVER.search(sentence):
                sentences.append(re.sub(r" ?\( ?[,; ]*\)", "", sentence))
                if len(sentences) == most:
                    return sentences
    return sentences


def _without_markup(text: str) -> str:
    try:
        import mwparserfromhell
    except ImportError:
        raise MissingPart("reading Wikipedia needs mwparserfromhell: pip install 'impasto[expand]'") from None
    text = _QUOTES.sub("", _LISTS_AND_HEADINGS.sub("", _GONE.sub(" ", text)))
    code = mwparserfromhell.parse(text, skip_style_tags=True)
    for link in code.filter_wikilinks():
        if _FILES.match(str(link)):
            try:
                code.remove(link)
            except ValueError:
                continue  # it was inside another link that is already removed
    return code.strip_code(normalize=True, collapse=True, keep_template_params=False)

"""Streams pages from a MediaWiki dump or another file of articles; memory use does not grow with the file."""

import bz2
import gzip
import html
import io
import json
import lzma
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

from impasto.errors import ImpastoError, MissingPart
from impasto.prompts.knowledge.dump_files import DumpFile, look_at
from impasto.prompts.knowledge.wiki_page import Page

_TELL_EVERY = 200  # pages
_MOST_LINE = 64 << 20  # bytes
_CHUNK = 1 << 20  # characters
_REDIRECT = re.compile(r"\s*#[^\W\d_]+\s*:?\s*\[\[([^\[\]|#]+)")
_FILES, _CATEGORIES, _MEDIA = "6", "14", "-2"  # MediaWiki's numbers of namespaces
_TITLES, _TEXTS = ("title", "name"), ("text", "section_texts", "content", "abstract")

OnTrouble = Callable[[str], None]


def read_pages(
    path: Path | DumpFile,
    on_share: Callable[[float], None] | None = None,
    on_trouble: OnTrouble = lambda _: None,
) -> Iterator[Page]:
    """Yields the articles and redirects of a file.

    The file's kind is recognised by its content: a MediaWiki dump (of pages of other namespaces, such as talk and templates,
    nothing is read; of a history, each page's newest revision), a JSONL or JSON file with title and text, WikiExtractor's
    output, or the hub's parquet; also packed as bz2 (multistream too), gz or xz.

    Args:
        on_share: called from time to time with the share of the file that was read.
        on_trouble: called with a sentence for each line or row that has no title and text; it is skipped.

    Raises:
        ImpastoError: the file is incomplete or holds no articles; all pages before that point were yielded.
        MissingPart: parquet, and pyarrow is not installed.
    """
    file = path if isinstance(path, DumpFile) else look_at(path)
    name = file.path
    try:
        with name.open("rb") as raw:
            size = max(1, name.stat().st_size)
            if file.kind == "parquet":
                pages = _parquet_pages(name, on_trouble)
            else:
                with _unpacked(raw, file.packing) as opened:
                    yield from _told(_PAGES[file.kind](opened, name.name, on_trouble), raw, size, on_share)
                return
            yield from _told(pages, raw, size, on_share)
    except ElementTree.ParseError as error:
        if "no element found" in str(error) or "unclosed" in str(error):
            raise ImpastoError(f"{name} breaks off ({error}): fetch it again, then the same command goes on") from None
        raise ImpastoError(f"{name} is damaged, or no MediaWiki dump: {error}") from None
    except EOFError as error:
        raise ImpastoError(f"{name} breaks off ({error}): fetch it again, then the same command goes on") from None
    except (OSError, ValueError, lzma.LZMAError) as error:
        raise ImpastoError(f"{name} cannot be read to its end: {error}") from None


def _told(pages: Iterator[Page], raw: IO[bytes], size: int, on_share: Callable[[float], None] | None) -> Iterator[Page]:
    for number, page in enumerate(pages):
        if on_share is not None and number % _TELL_EVERY == 0:
            on_share(raw.tell() / size)
        yield page


def _unpacked(raw: IO[bytes], packing: str) -> IO[bytes]:
    opened: Any = {"bz2": bz2.open, "gz": gzip.open, "xz": lzma.open}.get(packing)
    return opened(raw, "rb") if opened else io.BufferedReader(raw)  # pyright: ignore[reportArgumentType]


def _xml_pages(file: IO[bytes], name: str, on_trouble: OnTrouble) -> Iterator[Page]:
    del on_trouble
    root: Any = None
    space, names, newest = "", {}, ("", "")
    for event, element in ElementTree.iterparse(file, events=("start", "end")):
        if root is None:
            root = element
            space, brace, kind = element.tag.rpartition("}")
            space += brace
            if kind != "mediawiki":
                raise ValueError(f"it begins with <{kind}>, not with <mediawiki>")
        if event == "start":
            continue
        match element.tag.removeprefix(space):
            case "siteinfo":
                names = {one.get("key", ""): one.text or "" for one in element.iter(f"{space}namespace")}
            case "revision":
                written = element.findtext(f"{space}timestamp") or ""
                if written >= newest[0]:
                    newest = (written, _text(element.find(f"{space}text")))
                element.clear()  # the history of a page can be longer than what fits into memory
            case "page":
                yield from _page(element, space, names, newest[1])
                newest = ("", "")
                root.clear()  # frees the page, which would otherwise stay in memory below the root


def _text(element: Any) -> str:
    """Returns the text; markup that some tools leave unescaped (`<br />`) is read as a space."""
    return " ".join(element.itertext()) if element is not None else ""


def _page(element: Any, space: str, names: dict[str, str], text: str) -> Iterator[Page]:
    title = element.findtext(f"{space}title") or ""
    number = element.findtext(f"{space}ns")
    if number is None:  # exports before 2010 have no numbers of namespaces
        number = "1" if ":" in title and title.partition(":")[0] in set(names.values()) else "0"
    if number != "0" or not title:
        return
    target = element.find(f"{space}redirect")
    redirect = target.get("title", "") if target is not None else ""
    if not redirect and (written := _REDIRECT.match(text)):
        redirect = written[1].strip()
    own = (names.get(key, "").casefold() for key in (_FILES, _CATEGORIES, _MEDIA))
    yield Page(title, text, redirect, hidden=frozenset(word for word in own if word))


def _json_lines(file: IO[bytes], name: str, on_trouble: OnTrouble) -> Iterator[Page]:
    number = 0
    while line := file.readline(_MOST_LINE):
        number += 1
        where = f"{name}, line {number}"
        if len(line) == _MOST_LINE and not line.endswith(b"\n"):
            while (rest := file.readline(_MOST_LINE)) and not rest.endswith(b"\n"):
                pass
            on_trouble(f"{where}: longer than {_MOST_LINE >> 20} MiB")
            continue
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except (ValueError, RecursionError) as error:
            on_trouble(f"{where}: no JSON ({str(getattr(error, 'msg', error)).removesuffix(' at')})")
            continue
        yield from _row(row, where, on_trouble)


def _json_values(file: IO[bytes], name: str, on_trouble: OnTrouble) -> Iterator[Page]:
    """Reads objects over several lines, one behind the other or in one list, without holding more than one in memory."""
    text = io.TextIOWrapper(file, "utf-8-sig")
    decoder, buffer, number, ended = json.JSONDecoder(), "", 0, False
    while True:
        buffer = buffer.lstrip(" \t\r\n,[")
        if buffer.startswith("]"):
            buffer = buffer[1:]
            continue
        row, used = None, 0
        try:
            if buffer:
                row, used = decoder.raw_decode(buffer)
        except ValueError as error:
            if ended or len(buffer) > _MOST_LINE:
                raise ValueError(f"article {number + 1} is no JSON: {error}") from None
        if used:
            number, buffer = number + 1, buffer[used:]
            yield from _row(row, f"{name}, article {number}", on_trouble)
        elif ended and not buffer:
            return
        else:
            more = text.read(max(_CHUNK, len(buffer)))
            ended, buffer = not more, buffer + more


def _row(row: Any, where: str, on_trouble: OnTrouble) -> Iterator[Page]:
    if isinstance(row, dict) and set(row) == {"index"}:
        return  # the line before each article of a CirrusSearch dump
    if not isinstance(row, dict):
        on_trouble(f"{where}: no object with title and text")
        return
    title = next((row[key] for key in _TITLES if isinstance(row.get(key), str) and row[key].strip()), None)
    text = next((row[key] for key in _TEXTS if row.get(key)), None)
    if isinstance(text, list):  # gensim's segment_wiki writes a list of sections
        text = "\n".join(part for part in text if isinstance(part, str))
    if title is None or not isinstance(text, str) or not text:
        has = " and ".join([*(["title"] if title is None else []), *(["text"] if not isinstance(text, str) else [])])
        on_trouble(f"{where}: no {has or 'text'}")
        return
    yield Page(title, text, plain=True)


def _extracted(file: IO[bytes], name: str, on_trouble: OnTrouble) -> Iterator[Page]:
    """Reads what WikiExtractor writes: `<doc id=.. url=.. title="..">`, the title, the text, `</doc>`."""
    title, lines, begun = "", [], 0
    for number, line in enumerate(io.TextIOWrapper(file, "utf-8-sig", errors="replace"), start=1):
        if line.startswith("<doc "):
            if begun:
                on_trouble(f"{name}, line {begun}: an article without </doc>")
            found = re.search(r'\btitle="([^"]*)"', line)
            title, lines, begun = html.unescape(found[1]) if found else "", [], number
            if not title:
                on_trouble(f"{name}, line {number}: no title")
        elif line.startswith("</doc>"):
            if title and begun:
                first = lines[0].strip() if lines else ""
                yield Page(title, "".join(lines[1:] if first == title else lines), plain=True)
            begun = 0
        elif begun:
            lines.append(line)
    if begun:
        raise EOFError(f"line {begun} begins an article that does not end")


def _parquet_pages(path: Path, on_trouble: OnTrouble) -> Iterator[Page]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingPart(f"{path.name}: reading parquet needs pyarrow: pip install 'impasto[data]'") from None
    try:
        opened: Any = parquet.ParquetFile(path)
        columns = [name for name in opened.schema_arrow.names if name in (*_TITLES, *_TEXTS)]
        number = 0
        for batch in opened.iter_batches(batch_size=_TELL_EVERY, columns=columns):
            for row in batch.to_pylist():
                number += 1
                yield from _row(row, f"{path.name}, row {number}", on_trouble)
    except ArrowException as error:
        raise ValueError(str(error).splitlines()[0]) from None


_PAGES: dict[str, Callable[[IO[bytes], str, OnTrouble], Iterator[Page]]] = {
    "xml": _xml_pages,
    "jsonl": _json_lines,
    "json": _json_values,
    "docs": _extracted,
}

"""Builds a `WikiIndex` from a Wikipedia dump, shard by shard; a killed build resumes after the last complete shard."""

import hashlib
import json
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.files import sync_folder, write_atomically
from impasto.prompts.expansion.proposers.knowledge import bm25_library
from impasto.prompts.knowledge.dump_files import DumpFile, find_dump_files
from impasto.prompts.knowledge.markup import clean_sentences
from impasto.prompts.knowledge.wiki_dump import OnTrouble, read_pages
from impasto.prompts.knowledge.wiki_index import (
    FORMAT,
    MANIFEST,
    PLACES,
    SHARD,
    TITLES,
    plain_tokens,
    shard_name,
    title_hash,
    vocabulary_array,
)
from impasto.prompts.knowledge.wiki_page import Page
from impasto.settings import cores

_BEGUN = "begun.json"
_CHUNK = 64  # pages that a worker process cleans at a time
_HEAD = 1 << 16  # bytes at a file's beginning by which a later start knows it again
# called with (share of the files that was read, pages indexed, articles kept)
OnProgress = Callable[[float, int, int], None]
_TELL_EVERY = 500  # pages


@dataclass(frozen=True)
class _Read:
    """A page with its place: the number of its file, and its number in the file from 1."""

    page: Page
    file: int
    number: int


@dataclass
class _Pending:
    """The contents of the shard in progress; `file` and `number` are the place of its last page."""

    pages: int = 0
    file: int = 0
    number: int = 0
    titles: list[str] = field(default_factory=list)
    redirects: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, read: _Read, sentences: Sequence[str]) -> None:
        page = read.page
        self.pages += 1
        self.file, self.number = read.file, read.number
        title = " ".join(page.title.replace("\0", " ").split())
        if title and (page.redirect or sentences):
            text = "" if page.redirect else " ".join(sentences).replace("\0", " ")
            self.titles.append(title)
            self.redirects.append(" ".join(page.redirect.replace("\0", " ").split()))
            self.texts.append(text)
            self.size += len(text)


def build_wiki_index(
    dump: Path | Sequence[Path],
    folder: Path,
    *,
    name: str = "wikipedia",
    most_sentences: int = 12,
    shard_articles: int = 20_000,
    shard_characters: int = 48_000_000,
    workers: int | None = None,
    on_progress: OnProgress = lambda share, pages, articles: None,
    on_trouble: OnTrouble = lambda _: None,
) -> int:
    """Indexes the articles of a dump, or of all its parts, into `folder`; returns the number of articles.

    If it is stopped at any moment and run again, it resumes after the last complete shard and writes the same files. This is
    also so if a file broke off and was fetched again.

    Args:
        dump: files, folders and patterns (see `find_dump_files`).
        name: the name of sources in expansions ("wikipedia: Shenzhen").
        most_sentences: maximum number of sentences kept per article, from its beginning.
        shard_articles, shard_characters: limits of a shard; one shard is in memory at a time.
        workers: processes that remove the markup; None for one per core.
        on_progress: called with (share of the files that was read, pages indexed, articles kept).
        on_trouble: called with a sentence for whatever is left out: a file, a line, a page.

    Raises:
        UsageError: the folder was begun from another dump or with other settings, or is not empty, or `dump` does not exist.
        MissingPart: bm25s or mwparserfromhell is not installed.
        ImpastoError: a file is incomplete (finished shards are kept), or there is no article.
    """
    bm25_library()
    files = find_dump_files([dump] if isinstance(dump, Path) else dump, on_trouble)
    _begin(files, folder, {"name": name, "most_sentences": most_sentences, "shard_articles": shard_articles,
                           "shard_characters": shard_characters})  # fmt: skip
    if (folder / MANIFEST).is_file():
        return int(json.loads((folder / MANIFEST).read_text("utf-8"))["articles"])
    done = _whole_shards(folder)
    pages, articles = sum(shard["pages"] for shard in done), sum(shard["articles"] for shard in done)
    pending, number, share = _Pending(), len(done), 0.0
    start = (done[-1]["file"], done[-1]["number"]) if done else (0, 0)

    def read(so_far: float) -> None:
        nonlocal share
        share = so_far
        if not pending.pages:
            on_progress(share, pages, articles)

    for one, sentences in _cleaned(_all_pages(files, start, read, on_trouble), most_sentences, workers, on_trouble):
        pending.add(one, sentences)
        if pending.pages % _TELL_EVERY == 0:
            on_progress(share, pages + pending.pages, articles + len(pending.titles))
        if len(pending.titles) >= shard_articles or pending.size >= shard_characters:
            done.append(_write_shard(folder, number, pending))
            pages, articles = pages + pending.pages, articles + done[-1]["articles"]
            pending, number = _Pending(), number + 1
    if pending.titles:
        done.append(_write_shard(folder, number, pending))
        articles += done[-1]["articles"]
    if not articles:
        pages += pending.pages
        why = f": none of its {pages} pages has a whole sentence" if pages else ""
        raise ImpastoError(f"{' '.join(file.path.name for file in files[:3])} holds no article{why}")
    _finish(folder, name, done)
    on_progress(1.0, pages + pending.pages, articles)
    return articles


def _all_pages(
    files: Sequence[DumpFile], start: tuple[int, int], on_share: Callable[[float], None], on_trouble: OnTrouble
) -> Iterator[_Read]:
    """Yields the pages of all files behind `start`: the number of a file, and of its pages already read."""
    sizes = [max(1, file.path.stat().st_size) for file in files]
    for place in range(start[0], len(files)):
        before, own, skipped = sum(sizes[:place]), sizes[place], start[1] if place == start[0] else 0

        def share(so_far: float, before: int = before, own: int = own) -> None:
            on_share((before + own * so_far) / sum(sizes))

        numbered = enumerate(read_pages(files[place], share, on_trouble), start=1)
        yield from (_Read(page, place, number) for number, page in islice(numbered, skipped, None))


def _begin(files: Sequence[DumpFile], folder: Path, settings: dict[str, Any]) -> None:
    settings = {"files": [[file.path.name, _head_hash(file.path)] for file in files], **settings}
    begun = folder / _BEGUN
    if begun.is_file():
        try:
            before = json.loads(begun.read_text("utf-8"))
        except ValueError:
            before = {}
        if before != settings:
            names = [str(one[0]) for one in before.get("files", [])] or ["another dump"]
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise UsageError(f"{folder} was begun from {names[0]}{more}, or with other settings: use a new folder")
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"--out {folder}: use a new or an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(begun, json.dumps(settings).encode())


def _head_hash(path: Path) -> str:
    """Returns a hash of the file's beginning: a file that broke off and was fetched again is the same file."""
    with path.open("rb") as file:
        return hashlib.blake2b(file.read(_HEAD), digest_size=12).hexdigest()


def _whole_shards(folder: Path) -> list[dict[str, Any]]:
    """Returns the metadata of the complete shards, in order, and removes unfinished ones."""
    for unfinished in folder.glob("*.part"):
        shutil.rmtree(unfinished, ignore_errors=True)
    shards = []
    while (folder / shard_name(len(shards))).is_dir():
        file = folder / shard_name(len(shards)) / SHARD
        try:
            shards.append(json.loads(file.read_text("utf-8")))
        except (OSError, ValueError) as error:
            raise ImpastoError(f"{file} is broken: {error}; remove {folder} and build it again") from None
    return shards


def _cleaned(
    pages: Iterator[_Read], most: int, workers: int | None, on_trouble: OnTrouble
) -> Iterator[tuple[_Read, list[str]]]:
    """Yields the pages with their sentences, in order; worker processes remove the markup."""
    count = workers if workers is not None else cores()
    if count <= 1:
        yield from ((read, _told(read, _sentences(read.page, most), on_trouble)) for read in pages)
        return
    waiting: deque[tuple[list[_Read], Future[list[list[str] | str]]]] = deque()
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        try:
            while True:
                while len(waiting) < 4 * count and (chunk := list(islice(pages, _CHUNK))):
                    waiting.append((chunk, pool.submit(_sentences_of, [read.page for read in chunk], most)))
                if not waiting:
                    return
                chunk, future = waiting.popleft()
                for read, found in zip(chunk, future.result(), strict=True):
                    yield read, _told(read, found, on_trouble)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _told(read: _Read, found: list[str] | str, on_trouble: OnTrouble) -> list[str]:
    if isinstance(found, str):
        on_trouble(f"the article {read.page.title!r}: its markup cannot be read ({found})")
        return []
    return found


def _sentences_of(pages: list[Page], most: int) -> list[list[str] | str]:
    return [_sentences(page, most) for page in pages]


def _sentences(page: Page, most: int) -> list[str] | str:
    """Returns an article's sentences, or why its markup cannot be read: one article never ends a build."""
    if page.redirect:
        return []
    try:
        return clean_sentences(page, most)
    except MissingPart:
        raise
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]


def _write_shard(folder: Path, number: int, pending: _Pending) -> dict[str, Any]:
    target = folder / shard_name(number)
    unfinished = target.with_suffix(".part")
    unfinished.mkdir()
    rows = [
        f"{title}\0{redirect}\0{text}".encode("utf-8", "replace")
        for title, redirect, text in zip(pending.titles, pending.redirects, pending.texts, strict=True)
    ]
    (unfinished / "articles.bin").write_bytes(b"".join(rows))
    np.save(unfinished / "starts.npy", np.cumsum([0, *map(len, rows)], dtype=np.int64))
    _write_field(unfinished / "names", pending.titles)
    both = [f"{title} {text}" for title, text in zip(pending.titles, pending.texts, strict=True)]
    _write_field(unfinished / "texts", both)
    hashes = np.array([title_hash(title) for title in pending.titles], np.uint64)
    np.save(unfinished / "hashes.npy", hashes)
    np.save(unfinished / "articles.npy", np.array([not redirect for redirect in pending.redirects], bool))
    about = {
        "pages": pending.pages,
        "file": pending.file,
        "number": pending.number,
        "articles": sum(not redirect for redirect in pending.redirects),
        "sizes": {str(f.relative_to(unfinished)): f.stat().st_size for f in sorted(unfinished.rglob("*")) if f.is_file()},
    }
    (unfinished / SHARD).write_text(json.dumps(about), "utf-8")
    for file in (*unfinished.rglob("*"), unfinished):
        sync_folder(file)  # works for files too
    unfinished.replace(target)
    sync_folder(folder)
    return about


def _write_field(folder: Path, texts: Sequence[str]) -> None:
    tokens = plain_tokens(texts)
    if not tokens.vocab:  # titles such as "A" have no word to search for, and bm25s indexes no empty vocabulary
        tokens = type(tokens)(ids=[[0] for _ in texts], vocab={"\0": 0})
    index = bm25_library().BM25()
    index.index(tokens, show_progress=False)
    vocabulary = dict(index.vocab_dict)
    index.vocab_dict = {}
    index.save(folder, show_progress=False)
    np.save(folder / "vocabulary.npy", vocabulary_array(vocabulary))


def _finish(folder: Path, name: str, shards: Sequence[dict[str, Any]]) -> None:
    """Writes the titles of all shards as one sorted array, for redirects, and the manifest."""
    hashes, places = [], []
    for number in range(len(shards)):
        shard = folder / shard_name(number)
        own = np.flatnonzero(np.load(shard / "articles.npy"))
        hashes.append(np.load(shard / "hashes.npy")[own])
        places.append(np.stack([np.full(len(own), number, np.int32), own.astype(np.int32)], axis=1))
    titles = np.concatenate(hashes)
    order = np.argsort(titles, kind="stable")
    np.save(folder / TITLES, titles[order])
    np.save(folder / PLACES, np.concatenate(places)[order])
    sizes = {file: (folder / file).stat().st_size for file in (TITLES, PLACES)}
    for number, shard in enumerate(shards):
        sizes |= {f"{shard_name(number)}/{file}": size for file, size in shard["sizes"].items()}
    manifest = {
        "format": FORMAT,
        "name": name,
        "shards": len(shards),
        "articles": sum(shard["articles"] for shard in shards),
        "sizes": sizes,
    }
    for file in (TITLES, PLACES):
        sync_folder(folder / file)
    write_atomically(folder / MANIFEST, json.dumps(manifest).encode())

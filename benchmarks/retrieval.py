"""Our index of articles against rank-bm25 and SQLite's FTS5, on one synthetic collection, each in a process of its own.

Prints build throughput, peak memory, time to open and seconds per query. The documents have Zipf-distributed words, as text
has; the queries are words of documents. rank-bm25 keeps everything in memory and looks at every document for every word:
give it a smaller `--rank-bm25` number of documents where the memory is short.
"""

import argparse
import json
import multiprocessing
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

VOCABULARY, WORDS = 400_000, 60
COUNT = 10  # articles asked for


def documents(count: int) -> Iterator[tuple[str, str]]:
    """(title, text): four sentences of 15 words each."""
    draw = np.random.default_rng(0)
    for start in range(0, count, 1000):
        rows = np.minimum(draw.zipf(1.15, (min(1000, count - start), WORDS)), VOCABULARY)
        for place, row in enumerate(rows):
            words = [f"w{number}" for number in row]
            sentences = [" ".join(words[k : k + 15]).capitalize() + "." for k in range(0, WORDS, 15)]
            yield f"Title {start + place} {words[0]}", " ".join(sentences)


def queries(count: int, of: int) -> list[str]:
    """Four words of one document each, common and rare as they come."""
    draw = np.random.default_rng(1)
    wanted = set(draw.choice(of, count, replace=False).tolist())
    found = []
    for number, (_, text) in enumerate(documents(of)):
        if number in wanted:
            words = text.replace(".", "").casefold().split()
            found.append(" ".join(draw.choice(words, 4, replace=False)))
        if len(found) == count:
            break
    return found


def ours(count: int, folder: Path) -> tuple[Callable[[], Any], Callable[[Any, str], Any]]:
    """`impasto knowledge build` on a JSONL, and `WikiIndex`."""
    from impasto.prompts.knowledge.wiki_build import build_wiki_index
    from impasto.prompts.knowledge.wiki_index import WikiIndex

    source = folder / "articles.jsonl"
    with source.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"title": title, "text": text}) + "\n" for title, text in documents(count))

    def build() -> Any:
        build_wiki_index(source, folder / "wiki")
        return WikiIndex(folder / "wiki")

    return build, lambda index, words: index.search(words, COUNT)


def sqlite(count: int, folder: Path) -> tuple[Callable[[], Any], Callable[[Any, str], Any]]:
    """FTS5, ranked by its own bm25()."""
    database = sqlite3.connect(folder / "fts.db")

    def build() -> Any:
        database.execute("CREATE VIRTUAL TABLE articles USING fts5(title, text)")
        database.executemany("INSERT INTO articles VALUES (?, ?)", documents(count))
        database.commit()
        return database

    def search(index: Any, words: str) -> Any:
        any_of = " OR ".join(words.split())
        ranked = "SELECT title FROM articles WHERE articles MATCH ? ORDER BY bm25(articles, 2.0, 1.0) LIMIT ?"
        return index.execute(ranked, (any_of, COUNT)).fetchall()

    return build, search


def rank_bm25(count: int, folder: Path) -> tuple[Callable[[], Any], Callable[[Any, str], Any]]:
    """BM25Okapi over the texts."""
    del folder
    from rank_bm25 import BM25Okapi  # pyright: ignore[reportMissingImports]

    def build() -> Any:
        return BM25Okapi([f"{title} {text}".replace(".", "").casefold().split() for title, text in documents(count)])

    return build, lambda index, words: np.argsort(-index.get_scores(words.split()))[:COUNT]


SIDES = {"impasto": ours, "sqlite": sqlite, "rank-bm25": rank_bm25}


def measure(side: str, count: int, asked: list[str], answer: Any) -> None:
    """Builds and asks in this process; puts the figures into the queue `answer`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build, search = SIDES[side](count, folder)
        begun = time.perf_counter()
        index = build()
        built = time.perf_counter() - begun
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 2**20
        opened = float("nan")
        if side == "impasto":
            from impasto.prompts.knowledge.wiki_index import WikiIndex

            begun = time.perf_counter()
            index = WikiIndex(folder / "wiki")
            opened = time.perf_counter() - begun
        times = []
        for words in asked:
            begun = time.perf_counter()
            search(index, words)
            times.append(time.perf_counter() - begun)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.suffix != ".jsonl") / 2**30
    p50, p95 = np.percentile(times, [50, 95])
    answer.put({"side": side, "documents": count, "per_second": count / built, "peak_gib": peak, "disk_gib": size,
                "open_s": opened, "p50_ms": 1000 * float(p50), "p95_ms": 1000 * float(p95)})  # fmt: skip


def main() -> None:
    """One table, a line a side."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--rank-bm25", type=int, help="documents for rank-bm25; as many if not given")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--only", choices=SIDES, action="append")
    chosen = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    heads = [f"{name:>9s}" for name in ("documents", "built/s", "peak GiB", "disk GiB", "open s", "p50 ms", "p95 ms")]
    print(f"{'':10s} {' '.join(heads)}")
    for side in chosen.only or SIDES:
        count = chosen.rank_bm25 or chosen.documents if side == "rank-bm25" else chosen.documents
        # rank-bm25 takes seconds a query.
        asked = queries(chosen.queries if side != "rank-bm25" else min(20, chosen.queries), count)
        answer = context.Queue()
        process = context.Process(target=measure, args=(side, count, asked, answer))
        process.start()
        process.join()
        if process.exitcode:
            sys.exit(f"{side} ended with {process.exitcode}")
        row = answer.get()
        print(
            f"{side:10s} {row['documents']:9d} {row['per_second']:9.0f} {row['peak_gib']:9.2f} {row['disk_gib']:9.2f} "
            f"{row['open_s']:9.2f} {row['p50_ms']:9.1f} {row['p95_ms']:9.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""The gallery with 100,000 pictures: how long pages and searches take, and the rebuilding of its index from files.

    python benchmarks/gallery.py [--count 100000] [--files 2000]

The records are made up (prompts of 8 words of 2,000, 300 artists, 5 checkpoints), the embeddings are random unit vectors of
the scorer's width; the index, its queries and the matrix are the real ones. `--files` are real PNG files with records, from
which an index is rebuilt. Each time is the median and the slowest of 20 calls, in one process, files in the page cache.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from impasto.gallery.index import Gallery, put
from impasto.gallery.records import Entry, FileRecord, Filter
from impasto.gallery.scanning import rebuild
from impasto.gallery.words import WordSearch
from impasto.painting.provenance.record import Provenance, png_info
from impasto.workspace import Workspace

WIDTH = 256


class RandomScorer:
    """Unit vectors of the pocket scorer's width."""

    name, identity, width, threshold = "random", "0" * 64, WIDTH, 0.0
    draw = np.random.default_rng(1)

    def embed_texts(self, texts: list[str]) -> np.ndarray:
        vectors = self.draw.standard_normal((len(texts), WIDTH), np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    embed_images = embed_texts


def tell(what: str, call: Callable[[], object], times: int = 20) -> None:
    """Prints the median and the slowest of several calls, and their CPU time, which a busy machine does not change."""
    taken, computed = [], []
    for _ in range(times):
        started, cpu = time.perf_counter(), time.process_time()
        call()
        taken.append((time.perf_counter() - started) * 1000)
        computed.append((time.process_time() - cpu) * 1000)
    shown = f"median {statistics.median(taken):.1f} ms, slowest {max(taken):.1f} ms"
    print(f"{what}: {shown}; CPU {statistics.median(computed):.1f} ms", flush=True)


def record(number: int, draw: random.Random, words: list[str]) -> FileRecord:
    prompt, artist = " ".join(draw.choices(words, k=8)), f"Artist {draw.randrange(300)}"
    entry = Entry(
        f"{number:020x}", f"{number}.png", 1.7e9 + number * 60.0, 512, 512, prompt, "", artist, f"checkpoint-{number % 5}",
        "ddim", number, 50, "impasto", starred=number % 50 == 0,
    )  # fmt: skip
    return FileRecord(entry, f"{prompt} {artist}")


def index_of(count: int) -> None:
    gallery = Gallery.open(Workspace.open(Path(tempfile.mkdtemp(prefix="impasto-gallery-"))))
    draw, words = random.Random(1), [f"word{n}" for n in range(2000)]
    started = time.perf_counter()
    for start in range(0, count, 5000):
        with gallery.database.write(durable=False) as link:
            for number in range(start, min(start + 5000, count)):
                put(link, record(number, draw, words))
    size = gallery.workspace.gallery_file.stat().st_size >> 20
    print(f"{count} records written in {time.perf_counter() - started:.1f} s, {size} MB")
    tell("first page of 60", gallery.page)
    last, after = gallery.page(most=1000), None
    for _ in range(min(50, count // 1000)):
        after, last = last.next, gallery.page(after=last.next, most=1000)
    tell(f"page behind {min(50, count // 1000) * 1000} pictures", lambda: gallery.page(after=after))
    tell("text, one word", lambda: gallery.page(Filter(text=draw.choice(words))))
    tell("text, a beginning of all 2,000 words, which all pictures have", lambda: gallery.page(Filter(text="word")))
    tell("artist", lambda: gallery.page(Filter(artist=f"Artist {draw.randrange(300)}")))
    tell("checkpoint", lambda: gallery.page(Filter(checkpoint="checkpoint-3")))
    tell("starred", lambda: gallery.page(Filter(starred=True)))
    tell("a week", lambda: gallery.page(Filter(since=1.7e9 + 6e5, until=1.7e9 + 1.2e6)))
    tell("names of artists", lambda: gallery.names("artist"))
    scorer = RandomScorer()
    search = WordSearch(gallery, scorer)  # pyright: ignore[reportArgumentType]
    for start in range(0, count, 10_000):
        ids = [f"{number:020x}" for number in range(start, min(start + 10_000, count))]
        search.add(ids, scorer.embed_texts(ids))
    started = time.perf_counter()
    search.find("first")
    print(f"search by words, the first: {(time.perf_counter() - started) * 1000:.0f} ms (the table of rows is read)")
    tell("search by words, without the words' own embedding", lambda: search.find("a harbour"))


def text_embedding() -> None:
    from impasto.vision.scorers.interface import load_scorer

    started = time.perf_counter()
    scorer = load_scorer()
    print(f"pocket's scorer is loaded in {time.perf_counter() - started:.1f} s, once for a server")
    tell("embedding of the words", lambda: scorer.embed_texts(["a harbour at dusk"]))


def files_of(count: int) -> None:
    workspace = Workspace.open(Path(tempfile.mkdtemp(prefix="impasto-gallery-files-")))
    draw = np.random.default_rng(1)
    for number in range(count):
        made = Provenance(
            prompt=f"boats {number}", condition={"caption": "boats", "artist": "Claude Monet"}, expansion=None, negative="",
            seed=number, sampler="ddim", steps=5, guidance=2.0, eta=0.0, width=128, height=128, checkpoint="pocket",
            checkpoint_hash="0" * 64, version="0.1.0", text="boats",
        )  # fmt: skip
        pixels = draw.integers(0, 255, (128, 128, 3), np.uint8)
        Image.fromarray(pixels).save(workspace.pictures / f"boats-{number}.png", pnginfo=png_info(made))
    gallery = Gallery.open(workspace)
    for what in ("rebuilt from", "looked through again:"):
        started = time.perf_counter()
        scan = rebuild(gallery)
        taken = time.perf_counter() - started
        print(f"{what} {count} files in {taken:.2f} s ({count / taken:.0f} a second), {scan.added} added", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=2000)
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores")
    index_of(given.count)
    text_embedding()
    files_of(given.files)


if __name__ == "__main__":
    main()

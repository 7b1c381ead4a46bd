"""Runs `impasto knowledge build` on a dump as large as one likes, kills it on the way, and compares with an undisturbed run.

The dump is synthetic (Zipf-distributed words, MediaWiki markup, tables, references, redirects, sizes spread as
Wikipedia's are); `--articles` puts real ones into it, a JSONL of title and text. Prints pages per second, the peak memory
of all processes together, whether the killed index equals the undisturbed one, and the time to open it.
"""

import argparse
import bz2
import contextlib
import gzip
import hashlib
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import psutil

HERE = Path(__file__).parent
VOCABULARY = 300_000
HEAD = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">\n'


def page(title: str, text: str, redirect: str = "", number: int = 0) -> str:
    """A page as `pages-articles` has it."""
    to = f'<redirect title="{escape(redirect)}" />' if redirect else ""
    return (
        f"<page><title>{escape(title)}</title><ns>0</ns><id>{number}</id>{to}<revision><id>{number}</id>"
        f"<timestamp>2020-01-01T00:00:00Z</timestamp><format>text/x-wiki</format>"
        f'<text bytes="{len(text)}" xml:space="preserve">{escape(text)}</text></revision></page>\n'
    )


def marked_up(title: str, text: str) -> str:
    """Plain text with the markup that an article begins with."""
    lines = text.split("\n")
    lead = lines[0].replace(title, f"'''{title}'''", 1)
    box = "{{Infobox thing\n| name = " + title + "\n| area = {{convert|12|km2}}\n}}\n"
    table = '\n{| class="wikitable"\n! Year !! Count\n|-\n| 1900 || 12\n|}\n'
    return f"{box}{lead}<ref>{{{{cite book|title=A book|year=1901}}}}</ref>{table}\n== History ==\n" + "\n".join(lines[1:])


def synthetic(number: int, draw: np.random.Generator) -> tuple[str, str]:
    """(title, MediaWiki markup): log-normal sizes, 6 KB in the middle and 12 KB on average."""
    size = int(np.clip(draw.lognormal(np.log(6_000), 1.2), 300, 400_000))
    numbers = np.minimum(draw.zipf(1.15, size // 7 + 20), VOCABULARY)
    words = [f"[[w{n}]]" if n % 11 == 3 else f"w{n}" for n in numbers.tolist()]
    sentences = [" ".join(words[k : k + 16]).capitalize() + "." for k in range(0, len(words), 16)]
    lines = [" ".join(sentences[k : k + 6]) for k in range(0, len(sentences), 6)]
    title = f"Title {number} {numbers[0]}"
    return title, marked_up(title, f"{title} is a thing. " + "\n".join(lines))


def pages(articles: Path | None) -> Iterator[str]:
    """Pages without an end: the real ones first, then synthetic ones, a redirect after every fourth."""
    draw = np.random.default_rng(0)
    if articles is not None:
        with (
            gzip.open(articles, "rt", encoding="utf-8")
            if articles.suffix == ".gz"
            else articles.open("r", encoding="utf-8") as file
        ):
            for line in file:
                row = json.loads(line)
                yield page(row["title"], marked_up(row["title"], row["text"]))
    number = 0
    while True:
        title, text = synthetic(number, draw)
        yield page(title, text, number=number)
        if number % 4 == 0:
            yield page(f"Other name of {number}", f"#REDIRECT [[{title}]]", title, number)
        number += 1


def write_dump(path: Path, size: int, articles: Path | None, *, only_articles: bool) -> int:
    """Writes pages until the XML has `size` bytes; returns how many."""
    count = written = 0
    with bz2.open(path, "wt", 1, encoding="utf-8") if path.suffix == ".bz2" else path.open("w", encoding="utf-8") as file:
        file.write(HEAD)
        for text in pages(articles):
            if written >= size or (only_articles and "<title>Title 0 " in text):
                break
            file.write(text)
            written, count = written + len(text), count + 1
        file.write("</mediawiki>\n")
    return count


def digest(folder: Path) -> str:
    """One hash of the names and contents of all files of an index."""
    found = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            found.update(str(file.relative_to(folder)).encode() + b"\0")
            with file.open("rb") as opened:
                found.update(hashlib.file_digest(opened, "sha256").digest())
    return found.hexdigest()


def resident(process: psutil.Process) -> int:
    """Bytes of memory of a process and all below it."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.Error:
            continue
    return total


def build(dump: Path, folder: Path, seconds: float | None = None) -> tuple[bool, int]:
    """Runs the command, killed with all its processes after `seconds`; (did it end by itself, peak bytes)."""
    command = [
        sys.executable,
        "-m",
        "impasto.cli.main",
        "knowledge",
        "build",
        "--wikipedia",
        str(dump),
        "--out",
        str(folder),
    ]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    process, begun, peak = psutil.Process(child.pid), time.perf_counter(), 0
    while child.poll() is None:
        try:
            peak = max(peak, resident(process))
        except psutil.Error:
            break
        if seconds is not None and time.perf_counter() - begun > seconds:
            family = [*process.children(recursive=True), process]
            for one in reversed(family):  # the command itself first: nothing of it gets to clean up
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.send_signal(signal.SIGKILL)
            child.wait()
            return False, peak
        time.sleep(0.2)
    error = (child.communicate()[1] or b"").decode().strip()
    if child.returncode:
        sys.exit(f"knowledge build ended with {child.returncode}: {error[-300:]}")
    return True, peak


def main() -> None:
    """Writes the dump, builds it undisturbed and killed, prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=2.0, help="of XML; 0 for the articles alone")
    parser.add_argument("--articles", type=Path, help="JSONL (.gz) of title and text that the dump begins with")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--bz2", action="store_true", help="packed, as Wikipedia's dumps are")
    parser.add_argument(
        "--folder", type=Path, default=HERE.parent / "scratch" / "wikipedia", help="for the dump and the indexes"
    )
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    dump = chosen.folder / ("dump.xml.bz2" if chosen.bz2 else "dump.xml")
    only = chosen.gigabytes == 0
    begun = time.perf_counter()
    count = write_dump(dump, int(chosen.gigabytes * 1e9) if not only else 2**60, chosen.articles, only_articles=only)
    print(
        f"dump: {count} pages, {dump.stat().st_size / 1e9:.3f} GB on disk, written in {time.perf_counter() - begun:.0f} s",
        flush=True,
    )
    whole, killed = chosen.folder / "whole", chosen.folder / "killed"
    for folder in (whole, killed):
        if folder.exists():
            sys.exit(f"{folder} is there already: remove it first")
    begun = time.perf_counter()
    _, peak = build(dump, whole)
    took = time.perf_counter() - begun
    size = sum(file.stat().st_size for file in whole.rglob("*") if file.is_file())
    print(f"undisturbed: {took:.0f} s, {count / took:.0f} pages/s, peak {peak / 2**30:.2f} GiB in all processes together, "
          f"index {size / 1e9:.2f} GB", flush=True)  # fmt: skip
    draw = random.Random(0)
    kills = 0
    while kills < chosen.kills:
        ended, more = build(dump, killed, seconds=took * draw.uniform(0.1, 0.9) / max(1, chosen.kills))
        peak = max(peak, more)
        if ended:
            break
        kills += 1
    build(dump, killed)
    same = digest(whole) == digest(killed)
    print(f"killed {kills} times on the way: {'the same index, byte for byte' if same else 'ANOTHER INDEX'}; "
          f"peak of all runs {peak / 2**30:.2f} GiB", flush=True)  # fmt: skip
    from impasto.prompts.knowledge.wiki_index import WikiIndex

    begun = time.perf_counter()
    index = WikiIndex(whole)
    opened = time.perf_counter() - begun
    begun = time.perf_counter()
    found = index.search("w17 w2041 w99" if not only else "philosophy of the ancient world", 3)
    print(f"opened in {opened:.3f} s, a first search in {time.perf_counter() - begun:.3f} s:", [a.title for a, _ in found])
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()

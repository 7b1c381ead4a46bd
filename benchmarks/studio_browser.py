"""The studio in a real browser: how soon it answers and paints its pages, and the gallery of 100,000 pictures.

    python benchmarks/studio_browser.py [--count 100000] [--seconds 10]

Starts `impasto studio` on a workspace of its own with made-up records (as benchmarks/gallery.py), which share 50 real files,
so that thumbnails are made and sent as always. Prints the time from the start of the command to the first page, the first
contentful paint of every page (median of 5 fresh browser contexts), the frames while the gallery scrolls, and the memory of
the page when all records were looked through. The load of the machine is printed with it: other programs make frames late.
CPU times, of the server's process and of the page's main thread, do not depend on them.
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from impasto.gallery.index import Gallery, put
from impasto.gallery.records import Entry, FileRecord
from impasto.workspace import Workspace

ROOT = Path(__file__).parents[1]
PAGES = ("/", "/gallery", "/queue", "/canvas", "/grid", "/runs", "/data", "/judge")
FILES = 50
# Scrolls by whole frames for so many milliseconds, and returns the times between them.
SCROLL = """async ([milliseconds, step]) => {
  const wall = document.querySelector("[data-wall]"), times = [];
  let last = performance.now();
  const end = last + milliseconds;
  return await new Promise((done) => {
    const frame = (now) => {
      times.push(now - last); last = now; wall.scrollTop += step;
      if (now < end) requestAnimationFrame(frame); else done(times.slice(1));
    };
    requestAnimationFrame(frame);
  });
}"""
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def filled(folder: Path, count: int) -> None:
    """Makes the gallery."""
    gallery = Gallery.open(Workspace.open(folder))
    draw, pixels = random.Random(1), np.random.default_rng(1)
    for number in range(FILES):
        image = Image.fromarray(pixels.integers(0, 255, (8, 8, 3), np.uint8))
        image.resize((256, 256), Image.Resampling.BICUBIC).save(gallery.workspace.pictures / f"{number}.png")
    words = [f"word{n}" for n in range(2000)]
    for start in range(0, count, 5000):
        with gallery.database.write(durable=False) as link:
            for number in range(start, min(start + 5000, count)):
                prompt, artist = " ".join(draw.choices(words, k=8)), f"Artist {draw.randrange(300)}"
                entry = Entry(
                    f"{number:020x}", f"{number % FILES}.png", 1.7e9 + number * 60.0, 256, 256, prompt, "", artist, "pocket",
                    "ddim", number, 50, "impasto", starred=number % 50 == 0,
                )  # fmt: skip
                put(link, FileRecord(entry, f"{prompt} {artist}"))
    gallery.close()


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def server_cpu(number: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def page_cpu(client: Any) -> float:
    """Milliseconds of CPU of the page's main thread since `Performance.enable`."""
    metrics = {one["name"]: one["value"] for one in client.send("Performance.getMetrics")["metrics"]}
    return 1000 * metrics["TaskDuration"]


def watched(page: Any) -> Any:
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable", {"timeDomain": "threadTicks"})
    return client


def started(folder: Path) -> tuple["subprocess.Popen[str]", str]:
    """Starts the studio, and prints how long it took to the first page."""
    began = time.perf_counter()
    words = [sys.executable, "-m", "impasto", "studio", "--port", "0", "--workspace", str(folder), "--no-worker"]
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path})
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    urllib.request.urlopen(url, timeout=60).read()
    taken = time.perf_counter() - began
    print(f"first page {taken:.1f} s after the command began, {server_cpu(process.pid):.1f} s of CPU ({load()})", flush=True)
    return process, url


def first_paints(browser: Any, url: str) -> None:
    for path in PAGES:
        found, busy = [], []
        for _ in range(5):
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            page = context.new_page()
            client = watched(page)
            page.goto(url + path, wait_until="commit")
            while (painted := page.evaluate(FIRST_PAINT)) is None:  # the page's policy allows no functions to wait for
                time.sleep(0.01)
            busy.append(page_cpu(client))
            found.append(painted)
            context.close()
        times = f"median {statistics.median(found):.0f} ms, slowest {max(found):.0f} ms"
        print(f"first contentful paint of {path}: {times}; CPU {statistics.median(busy):.0f} ms ({load()})", flush=True)


def memory(client: Any) -> float:
    """The JavaScript heap after a collection, in MB."""
    client.send("HeapProfiler.collectGarbage")
    return client.send("Runtime.getHeapUsage")["usedSize"] / 1e6


def renderers() -> float:
    """The resident memory of the largest process of the browser that draws a page, in MB."""
    found = [0.0]
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" in (place / "cmdline").read_bytes():
                pages = int((place / "statm").read_text().split()[1])
                found.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
        except OSError:
            continue
    return max(found)


def scrolled(browser: Any, url: str, count: int, seconds: float) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(600_000)
    page.goto(f"{url}/gallery")
    page.wait_for_selector(".cell img")
    client = watched(page)
    print(f"gallery of {count}: JavaScript heap {memory(client):.1f} MB, its process {renderers():.0f} MB", flush=True)
    for what, step in (("slowly, 6 px a frame", 6), ("fast, a screen in four frames", 150)):
        before = page_cpu(client)
        times = page.evaluate(SCROLL, [seconds * 1000, step])
        work = (page_cpu(client) - before) / len(times)
        late = sum(one > 25 for one in times) / len(times)
        most = sorted(times)[int(len(times) * 0.95)]
        rate = f"{len(times) / sum(times) * 1000:.0f} frames a second, median {statistics.median(times):.1f} ms"
        print(f"scrolled {what}: {rate}, 95 % within {most:.1f} ms, {late:.1%} later than 25 ms")
        print(f"  the page's main thread computes {work:.1f} ms of CPU a frame ({load()})", flush=True)
    began = time.perf_counter()
    page.evaluate("document.querySelector('[data-wall]').scrollTop = 1e9")
    page.wait_for_selector(f".cell img[src*='{0:020x}']")
    print(f"the last of {count} is shown {time.perf_counter() - began:.1f} s after a jump to the end ({load()})")
    heap, process, cells = memory(client), renderers(), page.locator(".cell").count()
    print(f"then: JavaScript heap {heap:.1f} MB, its process {process:.0f} MB, {cells} cells in the page")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    folder = Path(tempfile.mkdtemp(prefix="impasto-browser-"))
    filled(folder, given.count)
    process, url = started(folder)
    try:
        with sync_playwright() as playwright:
            path = shutil.which("chromium") or shutil.which("chromium-browser")
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            first_paints(browser, url)
            scrolled(browser, url, given.count, given.seconds)
            browser.close()
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    main()

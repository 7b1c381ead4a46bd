"""Takes a picture of each page of a running studio, for docs/studio.md.

    impasto studio --workspace /tmp/shown &
    python benchmarks/studio_pictures.py --url http://127.0.0.1:7860

It paints the pictures itself, so that only our own paintings are shown; what the workspace has already is shown, too.
"""

import argparse
import io
import json
import shutil
import time
import urllib.request
from pathlib import Path
from typing import Any

from PIL import Image

OUT = Path(__file__).parents[1] / "docs" / "studio"
PAGES = ("paint", "gallery", "queue", "canvas", "grid", "runs", "data", "judge")
SUBJECTS = (
    ("a river in autumn", "Claude Monet"), ("wheat field with cypresses", "Vincent van Gogh"), ("an old man", "Rembrandt"),
    ("ships in a storm", "Ivan Aivazovsky"), ("a forest path", "Ivan Shishkin"), ("a vase of flowers", "Paul Cezanne"),
    ("a village in winter", "Alfred Sisley"), ("haystacks at dawn", "Claude Monet"),
)  # fmt: skip
WIDTH = 960  # px of the files


class Client:
    """Asks the studio's API."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def ask(self, path: str, body: Any = None) -> Any:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        kind = "image/png" if isinstance(body, bytes) else "application/json"
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, {"content-type": kind})) as answer:
            return json.load(answer)

    def job(self, path: str = "/api/v1/jobs", **body: Any) -> int:
        """Adds a job and waits until it has ended."""
        number = self.ask(path, body)["id"]
        while (job := self.ask(f"/api/v1/jobs/{number}")["job"])["state"] in ("queued", "running"):
            time.sleep(0.3)
        print(f"job {number} {job['title']}: {job['state']} {job['error'] or ''}")
        return number


def prepare(client: Client) -> None:
    """Paints, draws a sheet, imports the paintings as a catalogue, and compares it with its texts."""
    if client.ask("/api/v1/gallery")["total"] < len(SUBJECTS):
        for prompt, artist in SUBJECTS:
            job = {"kind": "paint", "prompt": prompt, "artist": artist, "any_artist": True, "count": 2, "seed": 11}
            client.job(job=job)
    if not client.ask("/pages/sheets"):
        columns = {"axis": "artist", "values": "Claude Monet, Rembrandt"}
        axes = {"rows": {"axis": "seed", "values": "1-2"}, "columns": columns}
        client.job("/pages/sheets", job={"kind": "paint", "prompt": "a harbour"}, **axes)
    if not client.ask("/api/v1/options/catalogues"):
        files = []
        for entry in client.ask("/api/v1/gallery")["entries"]:
            with urllib.request.urlopen(f"{client.url}/api/v1/pictures/{entry['id']}") as answer:
                kept = client.ask("/api/v1/uploads", answer.read())
            files.append({"upload": kept["id"], "name": entry["name"], "text": f"{entry['prompt']} by {entry['artist']}"})
        client.job("/pages/catalogues/own-paintings/import", files=files)
        client.job("/pages/catalogues/own-paintings/compare")


def act(page: Any, name: str, client: Client) -> None:
    """Brings a page into the state that is shown."""
    if name == "paint":
        page.fill("#prompt", "a river in autumn, (red leaves:1.2)")
        page.uncheck("[name=live]")
        page.fill("#artist", "monet")
        page.focus("#artist")
        page.keyboard.press("ArrowDown")
        page.wait_for_selector("#artist-options li")
        page.wait_for_selector(".stage img")
    elif name == "gallery":
        page.wait_for_selector(".cell img")
    elif name == "canvas":
        entry = client.ask("/api/v1/gallery?text=ships")["entries"][0]
        page.goto(f"{client.url}/canvas?file=picture:{entry['id']}")
        page.wait_for_selector("html[data-ready]", state="attached")
        page.fill("#prompt", "a lighthouse")
        place = page.locator("[data-over]").bounding_box()
        page.mouse.move(place["x"] + place["width"] * 0.3, place["y"] + place["height"] * 0.25)
        page.mouse.down()
        page.mouse.move(place["x"] + place["width"] * 0.35, place["y"] + place["height"] * 0.6, steps=8)
        page.mouse.up()
    elif name == "grid":
        page.fill("#prompt", "a harbour")
        page.wait_for_selector("[data-sheets] img")
    elif name == "judge":
        page.select_option("#by", "artist")
        page.wait_for_selector("#first option >> nth=1", state="attached")
        page.click("#form button[type=submit]")
        page.wait_for_selector(".pair img")
    page.wait_for_timeout(1500)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--url", default="http://127.0.0.1:7860")
    options.add_argument("--out", type=Path, default=OUT)
    options.add_argument("--pages", nargs="*", default=PAGES, choices=PAGES)
    given = options.parse_args()
    from playwright.sync_api import sync_playwright

    client = Client(given.url)
    prepare(client)
    given.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in given.pages:
            for width, height, dark, ending in ((1280, 800, False, ""), (360, 740, True, "-phone")):
                if ending and name not in ("paint", "gallery"):
                    continue
                scheme = "dark" if dark else "light"
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                page = context.new_page()
                page.goto(client.url + ("/" if name == "paint" else f"/{name}"))
                page.wait_for_selector("html[data-ready]", state="attached")
                if not ending:
                    act(page, name, client)
                page.wait_for_timeout(2000)
                image = Image.open(io.BytesIO(page.screenshot()))
                image.thumbnail((WIDTH if not ending else 360, 2000), Image.Resampling.LANCZOS)
                image.convert("RGB").save(given.out / f"{name}{ending}.webp", quality=70, method=6)
                print(f"{name}{ending}.webp {(given.out / f'{name}{ending}.webp').stat().st_size // 1024} KB")
                context.close()
        browser.close()


if __name__ == "__main__":
    main()

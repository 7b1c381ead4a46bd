"""Small catalogues of pictures drawn by code: skies over grounds, with an artist, a title and a year each."""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

ARTISTS = ("Claude Monet", "Vincent van Gogh", "Rembrandt")


def draw_landscape(seed: int, width: int = 96, height: int = 72) -> Image.Image:
    """A sky, a ground and a sun, in colours drawn from `seed`."""
    rng = np.random.default_rng(seed)
    sky, ground, sun = (tuple(int(v) for v in rng.integers(40, 230, 3)) for _ in range(3))
    picture = Image.new("RGB", (width, height), sky)
    pen = ImageDraw.Draw(picture)
    horizon = int(rng.integers(height // 3, 2 * height // 3))
    pen.rectangle((0, horizon, width, height), fill=ground)
    x = int(rng.integers(2, max(3, width - 16)))
    pen.ellipse((x, 4, x + 12, 16), fill=sun)
    return picture


def draw_catalogue(folder: Path, count: int = 24) -> Path:
    """A catalogue of `count` landscapes in the imagefolder layout."""
    folder.mkdir(parents=True)
    lines = []
    for number in range(count):
        name = f"picture-{number}.png"
        draw_landscape(number).save(folder / name)
        lines.append(json.dumps({
            "file_name": name, "artist": ARTISTS[number % 3], "title": f"Sun over ground {number}",
            "year": 1870 + number, "style": "Impressionism", "genre": "landscape",
        }))  # fmt: skip
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return folder

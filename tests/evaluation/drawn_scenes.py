"""Pictures with enough in them to be told apart by their edges, drawn by code, and catalogues of them."""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from impasto.data.catalogue.split import is_held_out


def draw_scene(seed: int, width: int = 160, height: int = 120) -> Image.Image:
    """Thirty shapes of all colours on a ground."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (width, height), tuple(int(v) for v in rng.integers(0, 255, 3)))
    pen = ImageDraw.Draw(picture)
    for number in range(30):
        x, y = int(rng.integers(-10, width)), int(rng.integers(-10, height))
        box = (x, y, x + int(rng.integers(8, width // 2)), y + int(rng.integers(8, height // 2)))
        colour = tuple(int(v) for v in rng.integers(0, 255, 3))
        (pen.ellipse if number % 2 else pen.rectangle)(box, fill=colour)
    return picture


def names(count: int, *, held_out: bool) -> list[str]:
    """The first so many file names that are held out from every training, or are not."""
    numbered = (f"scene-{number}.png" for number in range(100 * count + 100))
    return [name for name in numbered if is_held_out(name) == held_out][:count]


def write_scenes(folder: Path, training: int, held_out: int = 0, first_seed: int = 0) -> Path:
    """A catalogue of scenes, by two painters in turn; the seeds go on from the training pictures to the held-out ones."""
    folder.mkdir(parents=True)
    rows = []
    for number, name in enumerate([*names(training, held_out=False), *names(held_out, held_out=True)]):
        draw_scene(first_seed + number).save(folder / name)
        rows.append({"file_name": name, "artist": ("Claude Monet", "Rembrandt")[number % 2], "title": f"Scene {number}"})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", "utf-8")
    return folder

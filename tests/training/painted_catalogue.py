"""A catalogue of drawn squares by two painters, one red and one blue, for retraining."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

PAINTERS = {"Claude Monet": (40, 80, 190), "Rembrandt": (190, 60, 30)}


def write_catalogue(folder: Path, count: int = 24, sides: Sequence[tuple[int, int]] = ((64, 64),)) -> Path:
    """`count` pictures, by the painters in turn, and two by two of these widths and heights, multiples of 8 px."""
    folder.mkdir()
    draw, rows = np.random.default_rng(0), []
    for number in range(count):
        artist, colour = list(PAINTERS.items())[number % 2]
        width, height = sides[number // 2 % len(sides)]
        noise = draw.integers(-30, 30, (height // 8, width // 8, 3)).repeat(8, 0).repeat(8, 1)
        Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        rows.append({"file_name": f"{number}.png", "artist": artist, "title": f"picture {number % 5}", "year": 1880})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder

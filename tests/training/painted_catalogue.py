"""A catalogue of drawn squares by two painters, one red and one blue, for retraining."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

PAINTERS = {"Claude Monet": (40, 80, 190), "Rembrandt": (190, 60, 30)}


def write_catalogue(folder: Path, count: int = 24) -> Path:
    """`count` pictures of 64 px; picture n is by painter n % 2."""
    folder.mkdir()
    draw, rows = np.random.default_rng(0), []
    for number in range(count):
        artist, colour = list(PAINTERS.items())[number % 2]
        noise = draw.integers(-30, 30, (8, 8, 3)).repeat(8, 0).repeat(8, 1)
        Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        rows.append({"file_name": f"{number}.png", "artist": artist, "title": f"picture {number % 5}", "year": 1880})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder

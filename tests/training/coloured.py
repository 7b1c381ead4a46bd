"""A catalogue of noisy squares whose colour says what their titles name, and a museum's records of the same words."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

KINDS = {"boats at sea": (30, 60, 180), "wheat fields": (220, 200, 60), "old forest": (20, 110, 30), "snow": (235, 235, 250)}


def write_catalogue(folder: Path) -> Path:
    """80 pictures of 64 px, picture n of kind n % 4."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    rows = []
    for number in range(80):
        title, colour = list(KINDS.items())[number % 4]
        noise = draw.integers(-15, 15, (64, 64, 3))
        Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        rows.append({"file_name": f"{number}.png", "title": title, "genre": "landscape", "style": "Realism"})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def write_records(file: Path) -> Path:
    """60 works of five subjects."""
    subjects = {"Boats": "boat - non-specific", "Sea": "sea", "Forest": "wooded", "Snow": "snow", "Field": "field"}
    rows = [{"title": f"{word} near {n}", "subjects": [subject]} for word, subject in subjects.items() for n in range(12)]
    file.write_text("\n".join(map(json.dumps, rows)))
    return file

"""Pairs of drawn pictures with instructions: "make it red" and "make it blue" of the same grey patches."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"make it red": (230, 70, 60), "make it blue": (60, 80, 230)}


def write_pairs(folder: Path, count: int = 24, side: int = 64) -> Path:
    """`count` pairs, the two instructions in turn, as `impasto data instructions` lays them out."""
    draw, rows = np.random.default_rng(0), []
    for name in ("input", "edited"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        text, colour = list(COLOURS.items())[number % 2]
        grey = draw.integers(60, 250, (side // 16, side // 16, 1)).repeat(16, 0).repeat(16, 1)
        Image.fromarray(grey.repeat(3, 2).astype(np.uint8)).save(folder / "input" / f"{number}.png")
        Image.fromarray((grey * np.array(colour) / 255).astype(np.uint8)).save(folder / "edited" / f"{number}.png")
        rows.append({"file_name": f"edited/{number}.png", "input_file_name": f"input/{number}.png", "text": text})
    (folder / "metadata.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder

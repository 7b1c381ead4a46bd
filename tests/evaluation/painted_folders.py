"""Paintings and real pictures drawn by code: coarse colour fields, with an artist's own colours, and records inside."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from impasto.painting.provenance.record import Provenance, png_info
from impasto.prompts.condition import Condition

ARTISTS = {"Claude Monet": (60, 110, 170), "Rembrandt": (120, 70, 30)}


def draw_field(seed: int, colour: tuple[int, int, int], side: int = 64) -> Image.Image:
    """Squares of 8 px in colours about `colour`."""
    noise = np.random.default_rng(seed).integers(-50, 50, (side // 8, side // 8, 3)).repeat(8, 0).repeat(8, 1)
    return Image.fromarray(np.clip(noise + colour, 0, 255).astype(np.uint8))


def write_real(folder: Path, count: int) -> Path:
    """A catalogue of the two artists in turn."""
    folder.mkdir()
    rows = []
    for number in range(count):
        artist, colour = list(ARTISTS.items())[number % 2]
        draw_field(number, colour).save(folder / f"{number}.png")
        rows.append({"file_name": f"{number}.png", "artist": artist, "title": f"field {number}"})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return folder


def write_paintings(folder: Path, count: int, *, first_seed: int = 1000) -> Path:
    """Paintings of the two artists in turn, each with a record of ours."""
    folder.mkdir()
    for number in range(count):
        artist, colour = list(ARTISTS.items())[number % 2]
        condition = Condition(caption=f"field {number % 4}", artist=artist)
        record = Provenance(
            prompt=condition.caption, condition=condition.as_dict(), expansion=None, negative="", seed=number,
            sampler="ddim", steps=5, guidance=4.0, eta=0.0, width=64, height=64, checkpoint="tiny",
            checkpoint_hash="0" * 64, version="0", text=condition.text(),
        )  # fmt: skip
        draw_field(first_seed + number, colour).save(folder / f"{number}.png", pnginfo=png_info(record))
    return folder

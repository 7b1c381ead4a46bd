"""The background's reconstruction after inpainting: PSNR outside and inside the mask, CPU time, by method and learning rate.

    python benchmarks/background.py [--pictures 4] [--from DIR] [--methods latents decoder] [--checkpoint pocket]

It paints pictures with the checkpoint, or takes those of a folder, inpaints a box in the middle of each with another prompt,
and reconstructs the background with latents and with decoder weights, as `impasto inpaint --background` does. One line for
each: medians.
"""

import argparse
import re
import statistics
import time
from pathlib import Path

import torch
from PIL import Image, ImageOps

from impasto.painting.editing.edit import Edit
from impasto.painting.editing.masks import mask_of_box
from impasto.painting.editing.record import BackgroundMethod, BackgroundNote, MaskedNote
from impasto.painting.editing.source import source_in_memory
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest

PROMPTS = ("boats at sunset", "a village in the snow", "a vase of flowers", "a portrait of a lady", "a wheat field")
RATES: tuple[tuple[BackgroundMethod, float], ...] = (
    ("latents", 0.1), ("latents", 0.02), ("latents", 0.005), ("decoder", 1e-4), ("decoder", 1e-3),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--from", dest="folder", type=Path, help="pictures of this folder instead of painted ones")
    parser.add_argument("--methods", nargs="*", default=["latents", "decoder"])
    given = parser.parse_args()
    torch.set_num_threads(1)
    painter = Painter.load(given.checkpoint, device="cpu")
    if given.folder is None:
        pictures = [painter.paint(PROMPTS[k % len(PROMPTS)], seed=k, steps=15).image for k in range(given.pictures)]
    else:
        pictures = pictures_of(given.folder, given.pictures, painter.components.default_size)
    print(f"{given.pictures} pictures of {pictures[0].width} px, one thread, 75 steps, lambda 100: medians")
    for method, rate in RATES:
        if method not in given.methods:
            continue
        figures = [_edited(painter, image, number, method, rate) for number, image in enumerate(pictures)]
        before, outside, inside, seconds = (statistics.median(column) for column in zip(*figures, strict=True))
        told = f"outside {before:.1f} -> {outside:.1f} dB, inside {inside:.1f} dB, {seconds:.1f} CPU s"
        print(f"{method:8} rate {rate:g}: {told}", flush=True)


def pictures_of(folder: Path, count: int, side: int) -> list[Image.Image]:
    """Returns so many pictures of a folder, spread evenly over their sorted names, as squares of `side` px."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    found = []
    for number in range(min(count, len(files))):
        with Image.open(files[(2 * number + 1) * len(files) // (2 * count)]) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGB")
            found.append(ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS))
    return found


def _edited(
    painter: Painter, image: Image.Image, number: int, method: BackgroundMethod, rate: float
) -> tuple[float, float, float, float]:
    """PSNR in dB outside the mask before and after, and inside, and the CPU seconds of one edit's reconstruction."""
    source = source_in_memory(image)
    width, height = image.size
    mask = mask_of_box((width // 4, height // 4, width // 2, height // 2), source, inverted=False)
    how = MaskedNote(None, outside="model", background=BackgroundNote(method, 75, 100.0, rate))
    told: list[str] = []
    edit, asked = Edit(source, 0.8, mask=mask, masked=how), painter.condition(PROMPTS[(number + 1) % len(PROMPTS)])
    started = time.process_time()
    next(painter.paint_many([PaintRequest(asked, seed=number, steps=15, width=width, height=height, edit=edit)],
                            on_note=told.append))  # fmt: skip
    seconds = time.process_time() - started
    before, outside, inside = map(float, re.findall(r"([\d.]+)(?= ->| dB)", told[0]))
    return before, outside, inside, seconds


if __name__ == "__main__":
    main()

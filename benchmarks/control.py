"""How far paintings follow the edges of held-out pictures: F1 of edges, with a control network and without.

    python benchmarks/control.py --catalogue DIR [--count 200] [--net RUN] [--checkpoint pocket] [--steps 20] [--sheet FILE]

Each held-out picture's own text is painted twice from the same noise: along the picture's map, and without. The edges of the
two paintings (Canny's, thresholds by Otsu, as `--control canny` makes them) are compared with the map. Two kinds of maps:
canny, and the same edges redrawn as by hand. An edge counts as found if the other map has one within the tolerance, 1 px
across, down or diagonally. Means over the pictures; "apart" compares a map with the painting along another one, which is
what edges anywhere would give; "rebuilt" is the picture itself through the autoencoder, as well as a painting can follow.
One thread.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from impasto.evaluation.edge_likeness import edge_likeness
from impasto.painting.batches import to_image
from impasto.painting.control.control import Control
from impasto.painting.editing.source import source_in_memory
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.training.examples.redrawn import redraw
from impasto.training.examples.training_set import condition_of, entries_of
from impasto.vision.control_maps.edges import canny
from impasto.vision.control_maps.makers import parse_maker

TOLERANCES, SHOWN = (0, 1, 2), 8
Example = tuple[PaintRequest, Image.Image, np.ndarray, np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--net", default="", help="a network; without it, the checkpoint's own")
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--weight", type=float, default=1.0)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--sheet", type=Path, help="maps, paintings along them, painting without, picture")
    given = parser.parse_args()
    torch.set_num_threads(1)
    painter = Painter.load(given.checkpoint, device="cpu", engine="optimized")
    examples = list(_examples(given.catalogue, given.count, painter, given.steps))
    if not examples:
        sys.exit(f"no picture of {given.catalogue} is held out")
    side = painter.components.default_size
    print(f"{len(examples)} held-out pictures of {side} px, {given.steps} steps, weight {given.weight:g}, one thread")
    made: dict[str, list[Image.Image]] = {}
    for name in ("without", "canny", "redrawn"):
        started = time.process_time()
        requests = [_request(example, name, given.net, given.weight) for example in examples]
        made[name] = [one.image for one in painter.paint_many(requests, batch_size=given.batch)]
        print(f"{name}: {(time.process_time() - started) / len(examples):.2f} CPU s a painting", flush=True)
    rebuilt = [_rebuilt(painter, one[1]) for one in examples]
    for name, asked in (("canny", [one[2] for one in examples]), ("redrawn", [one[3] for one in examples])):
        ways = {
            "with": made[name], "without": made["without"], "apart": [*made[name][1:], made[name][0]], "rebuilt": rebuilt,
        }  # fmt: skip
        for tolerance in TOLERANCES:
            figures = {way: _means(asked, images, tolerance) for way, images in ways.items()}
            told = "; ".join(f"{way} {f1:.3f} (precision {p:.3f}, recall {r:.3f})" for way, (f1, p, r) in figures.items())
            ratio = figures["with"][0] / figures["without"][0]
            print(f"{name}, tolerance {tolerance} px: F1 {told}; {ratio:.2f} times the uncontrolled one", flush=True)
    if given.sheet:
        _sheet(examples[:SHOWN], made).save(given.sheet)


@torch.inference_mode()
def _rebuilt(painter: Painter, picture: Image.Image) -> Image.Image:
    """Returns the picture, encoded and decoded."""
    vae, pixels = painter.components.vae, torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
    return to_image(vae.decode(vae.encode(pixels / 127.5 - 1).latent_dist.mode()).sample[0])


def _examples(catalogue: Path, count: int, painter: Painter, steps: int) -> Iterator[Example]:
    """Yields request, picture, its edges, and the edges redrawn; pictures are spread evenly over the held-out ones."""
    entries, side = entries_of(catalogue, held_out=True), painter.components.default_size
    guidance = painter.components.painting_defaults.guidance or 5.0
    count = min(count, len(entries))
    for number in range(count):
        entry = entries[(2 * number + 1) * len(entries) // (2 * count)]
        with Image.open(entry.file) as opened:
            picture = ImageOps.fit(ImageOps.exif_transpose(opened).convert("RGB"), (side, side), Image.Resampling.LANCZOS)
        edges = canny(np.array(picture))
        request = PaintRequest(
            condition_of(entry), seed=number, steps=steps, guidance=guidance, width=side, height=side
        )  # fmt: skip
        yield request, picture, edges, redraw(edges, np.random.default_rng(number))


def _request(example: Example, name: str, net: str, weight: float) -> PaintRequest:
    if name == "without":
        return example[0]
    if name == "canny":
        control = Control(parse_maker("canny"), source_in_memory(example[1]), net, weight)
    else:
        control = Control(parse_maker("map"), source_in_memory(Image.fromarray(example[3])), net, weight)
    return replace(example[0], controls=(control,))


def _means(asked: list[np.ndarray], images: list[Image.Image], tolerance: int) -> tuple[float, float, float]:
    """Returns the means of F1, precision and recall."""
    found = [edge_likeness(one, canny(np.array(image)), tolerance) for one, image in zip(asked, images, strict=True)]
    f1, precision, recall = np.mean([(one.f1, one.precision, one.recall) for one in found], axis=0)
    return float(f1), float(precision), float(recall)


def _sheet(examples: list[Example], made: dict[str, list[Image.Image]]) -> Image.Image:
    side = examples[0][1].width
    sheet = Image.new("RGB", (side * 6, side * len(examples)))
    for row, (_, picture, edges, redrawn) in enumerate(examples):
        shown = (Image.fromarray(edges), made["canny"][row], Image.fromarray(redrawn), made["redrawn"][row],
                 made["without"][row], picture)  # fmt: skip
        for column, one in enumerate(shown):
            sheet.paste(one.convert("RGB"), (side * column, side * row))
    return sheet


if __name__ == "__main__":
    main()

"""The tables of Blended Latent Diffusion (Avrahami et al. 2022, tables 1 and 2; the survey's) in small.

    python benchmarks/blended.py --pictures DIR [--edits 2] [--batch 24] [--optimized 24] [--checkpoint pocket]

Pictures of DIR get a new box in their middle, of what a prompt says, in batches of seeds. The first row is without the
background's optimisation. The others are with it: method A optimises latents, method B the decoder's weights, for the first
`--optimized` pictures of each batch. It prints, for each: seconds of a single picture, of a batch, and of a picture in it;
precision and diversity (`impasto.evaluation.edits`: by pocket's scorer among 4 prompts and on EfficientNet's features, not
by the paper's classifier and LPIPS); PSNR of the background. One thread.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch

from background import pictures_of
from impasto.evaluation.edits import EditedPicture, MethodFigures, measure_edits
from impasto.painting.editing.edit import Edit
from impasto.painting.editing.masks import mask_of_box
from impasto.painting.editing.record import BackgroundMethod, BackgroundNote, MaskedNote
from impasto.painting.editing.source import source_in_memory
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.vision.features.efficientnet import ImageFeatures
from impasto.vision.scorers.interface import load_scorer

PROMPTS = ("a vase of flowers", "boats at sunset", "a portrait of a lady", "a house in the snow")
METHODS: tuple[tuple[str, BackgroundMethod], ...] = (
    ("without background opt.", "paste"), ("method A, latents", "latents"), ("method B, decoder", "decoder"),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--edits", type=int, default=2)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--optimized", type=int, default=24)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--checkpoint", default="pocket")
    given = parser.parse_args()
    torch.set_num_threads(1)
    painter = Painter.load(given.checkpoint, device="cpu", engine="eager")
    pictures = pictures_of(given.pictures, given.edits, painter.components.default_size)
    scorer, features = load_scorer(), ImageFeatures()
    print(f"{given.edits} edits of {pictures[0].width} px, {given.steps} steps, strength 0.8, one thread; CPU seconds")
    print("method | batch | single | whole batch | per picture | precision | best precision | diversity | background, dB")
    for name, method in METHODS:
        size = given.batch if method == "paste" else min(given.optimized, given.batch)
        made: list[EditedPicture] = []
        single, whole = [], []
        for number, image in enumerate(pictures):
            source = source_in_memory(image)
            width, height = image.size
            mask = mask_of_box((width // 4, height // 4, width // 2, height // 2), source, inverted=False)
            # The model's own background, which `--keep-outside exact` would hide.
            how = MaskedNote(None, outside="model", background=BackgroundNote(method))
            edit = Edit(source, 0.8, mask=mask, masked=how)
            text = PROMPTS[number % len(PROMPTS)]
            requests = [
                PaintRequest(painter.condition(text), seed=seed, steps=given.steps, width=width, height=height, edit=edit)
                for seed in range(size)
            ]
            for those, took in ((requests[:1], single), (requests, whole)):
                started = time.process_time()
                painted = list(painter.paint_many(those, batch_size=size, on_note=lambda note: None))
                took.append(time.process_time() - started)
            shown = mask.levels(soft=False).astype(np.float32)
            made += [EditedPicture(f"{seed}", name, text, text, one.image, source=image, mask=shown)
                     for seed, one in enumerate(painted)]  # fmt: skip
        _, (figures,) = measure_edits(made, scorer, features, PROMPTS)
        _print(name, size, math.fsum(single) / len(single), math.fsum(whole) / len(whole), figures)


def _print(name: str, size: int, single: float, whole: float, figures: MethodFigures) -> None:
    cells = (
        name, size, f"{single:.1f}", f"{whole:.1f}", f"{whole / size:.2f}", f"{figures.precision:.1%}",
        f"{figures.best_precision:.0%}", f"{figures.diversity or 0:.2f}", f"{figures.psnr or 0:.1f}",
    )  # fmt: skip
    print(" | ".join(map(str, cells)), flush=True)


if __name__ == "__main__":
    main()

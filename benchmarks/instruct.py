"""Instructions: our painter beside diffusers' `StableDiffusionInstructPix2PixPipeline`, or what a trained checkpoint can do.

    python benchmarks/instruct.py [--checkpoint NAME] [--pictures 4] [--steps 20]
    python benchmarks/instruct.py --judge RUN --pairs DIR [--scorer pocket]

The first takes pocket, widened with small random weights where it sees the picture, or the checkpoint that is named. Both
paint the same pictures from the same noise, in turns, on one thread; it prints the CPU seconds of each, their ratio, and the
largest difference of a value of 255. The second changes the held-out pairs' pictures as they are told, and prints medians of
the directional similarity and of the likeness to the picture before, beside those of the pairs themselves.
"""

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.checkpoints.export.components import save_parts
from impasto.checkpoints.export.diffusers import export_checkpoint
from impasto.checkpoints.load import load_components
from impasto.data.catalogue.split import is_held_out
from impasto.painting.editing.edit import Edit
from impasto.painting.editing.source import open_source, source_in_memory
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.painting.schedulers import make_scheduler
from impasto.prompts.condition import Condition
from impasto.training.examples.instruct_pairs import picture_before
from impasto.training.examples.training_set import entries_of
from impasto.training.methods.instruct import widened
from impasto.vision.scorers.directional import directional_similarity
from impasto.vision.scorers.interface import load_scorer

WINTER, TEXT, IMAGE = "make it winter", 7.5, 1.5


def widened_pocket(folder: Path) -> Path:
    """Writes pocket with a first convolution that takes the picture too, with small random weights."""
    parts = load_components("pocket")
    unet: Any = widened(parts.unet)
    with torch.no_grad():
        channels = int(parts.vae.config["latent_channels"])
        weights = unet.conv_in.weight
        weights[:, channels:] = 0.02 * torch.randn(weights[:, channels:].shape, generator=torch.Generator().manual_seed(0))
    return save_parts({"unet": unet, "vae": parts.vae}, folder, parts.scheduler_config, [])


def beside_diffusers(checkpoint: str, pictures: int, steps: int) -> None:
    import diffusers

    with tempfile.TemporaryDirectory() as place:
        name = checkpoint or str(widened_pocket(Path(place) / "widened"))
        exported = export_checkpoint(name, Path(place) / "exported")
        pipeline: Any = diffusers.DiffusionPipeline.from_pretrained(exported, local_files_only=True)  # pyright: ignore
        painter = Painter(load_components(name, editing=True))
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = make_scheduler("ddim", painter.components.scheduler_config)
    side = painter.components.default_size
    plain = Painter.load("pocket", device="cpu") if not checkpoint else None
    seconds, differences = {"ours": [], "diffusers": []}, []
    for seed in range(pictures):
        image = Image.new("RGB", (side, side), (90, 120, 60)) if plain is None else plain.paint("a farm", seed=seed).image
        made = {}
        for who in sorted(seconds, reverse=bool(seed % 2)):
            started = time.process_time()
            if who == "ours":
                edit = Edit(source_in_memory(image), 1.0, image_guidance=IMAGE)
                made[who] = painter.paint(WINTER, init=edit, seed=seed, steps=steps, guidance=TEXT, sampler="ddim").image
            else:
                noise = [torch.Generator().manual_seed(seed)]
                made[who] = pipeline(WINTER, image=image, num_inference_steps=steps, guidance_scale=TEXT,
                                     image_guidance_scale=IMAGE, generator=noise).images[0]  # fmt: skip
            seconds[who].append(time.process_time() - started)
        both = [np.asarray(made[who], int) for who in seconds]
        differences.append(int(np.abs(both[0] - both[1]).max()))
    ours, theirs = (statistics.median(seconds[who]) for who in seconds)
    print(f"{pictures} pictures of {side} px, {steps} steps, DDIM, one thread, CPU seconds a picture: ours {ours:.2f}, "
          f"diffusers {theirs:.2f}, ratio {ours / theirs:.2f}; largest difference {max(differences)}/255")  # fmt: skip


def judge(run: str, folder: Path, scorer_name: str, steps: int) -> None:
    scorer, painter = load_scorer(scorer_name), Painter(load_components(run, editing=True))
    entries = [entry for entry in entries_of(folder, held_out=True) if is_held_out(entry.file_name)]
    rows: dict[str, list[tuple[float, float]]] = {"the pairs": [], "as instructed": [], "without the instruction": []}
    for number, entry in enumerate(entries):
        before = picture_before(entry)
        if before is None:
            continue
        source = open_source(before.file)
        size = {"width": source.size[0], "height": source.size[1]}
        request = PaintRequest(Condition(entry.caption), seed=number, steps=steps, guidance=5.0, sampler="ddim",
                               edit=Edit(source, 1.0, image_guidance=IMAGE), **size)  # fmt: skip
        painted = [next(painter.paint_many([one])).image for one in (request, replace(request, guidance=0.0))]
        shown = [source.image, open_source(entry.file).image, *painted]
        told = [entry.extra[f"text_{when}"] for when in ("before", "after")]
        pictures, texts = scorer.embed_images(shown), scorer.embed_texts(told)
        directions = directional_similarity(pictures[:1], pictures[1:], texts[:1], texts[1:])
        for name, direction, likeness in zip(rows, directions, pictures[1:] @ pictures[0], strict=True):
            rows[name].append((float(direction), float(likeness)))
    count = len(rows["the pairs"])
    if not count:
        sys.exit(f"{folder} holds no held-out pair, about one in ten is: make more with impasto data instructions")
    print(f"{count} held-out pairs of {folder.name}, by {scorer.name}: medians")
    for name, found in rows.items():
        direction, likeness = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{name:24} direction {direction:+.3f}, likeness to the picture before {likeness:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="")
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--judge", default="")
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--scorer", default="pocket")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.judge:
        judge(given.judge, given.pairs, given.scorer, given.steps)
    else:
        beside_diffusers(given.checkpoint, given.pictures, given.steps)


if __name__ == "__main__":
    main()

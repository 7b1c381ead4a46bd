"""Paints 8 prompts x 8 seeds to docs/pocket.png, nothing picked out: the sheet by which a checkpoint is judged by eye."""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from impasto.errors import ImpastoError
from impasto.painting.defaults import choose_sampling
from impasto.painting.memory.record import OWN
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.painting.sheets.layout import Sheet
from impasto.prompts.condition import Condition

# Things that whoever knows no painter can tell, by masters of each; styles and genres in the catalogue's words.
PROMPTS = (
    Condition("portrait of an old man", "Rembrandt", style="Baroque", genre="portrait"),
    Condition("ships on a stormy sea", "Ivan Aivazovsky", style="Romanticism", genre="landscape"),
    Condition("a forest with a path", "Camille Corot", style="Realism", genre="landscape"),
    Condition("still life with apples and a jug", "Paul Cézanne", style="Post Impressionism", genre="still life"),
    Condition("a street in a town with houses", "Camille Pissarro", style="Impressionism", genre="cityscape"),
    Condition("wheat field with cypresses", "Vincent van Gogh", style="Post Impressionism", genre="landscape"),
    Condition("water lilies", "Claude Monet", style="Impressionism", genre="landscape"),
    Condition("portrait of a woman in a red dress", "Pierre-Auguste Renoir", style="Impressionism", genre="portrait"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--out", type=Path, default=Path("docs/pocket.png"))
    parser.add_argument("--seeds", type=int, default=8, help="seeds 1 to this")
    parser.add_argument("--sampler", help="else what the checkpoint says of itself, else what is usual; so are the others")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--memory", default="default", metavar="none|default|CATALOGUE", help="what the painter may look at")
    parser.add_argument("--guider", help="a key of painting/guidance/guiders.py")
    chosen = parser.parse_args()
    try:
        painter = Painter.load(chosen.checkpoint)
        size, rows, conditions = painter.components.default_size, [], []
        sampling = choose_sampling(
            painter.components.painting_defaults,
            sampler=chosen.sampler,
            steps=chosen.steps,
            guider=chosen.guider,
            guidance=chosen.guidance,
        )
        for condition in PROMPTS:
            conditions.append(replace(condition, artist=known_name(painter, condition.artist)))
            requests = [
                PaintRequest(
                    condition=conditions[-1],
                    seed=seed,
                    sampler=sampling.sampler,
                    steps=sampling.steps,
                    guider=sampling.guider,
                    guidance=sampling.guidance,
                    guidance_interval=sampling.guidance_interval,
                    memory=OWN if chosen.memory == "default" else chosen.memory,
                    width=size,
                    height=size,
                )
                for seed in range(1, chosen.seeds + 1)
            ]
            begun = time.perf_counter()
            rows.append([painting.image for painting in painter.paint_many(requests)])
            print(f"{conditions[-1].text()}: {time.perf_counter() - begun:.1f} s", flush=True)
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        labelled(rows, [condition.text() for condition in conditions], size).save(chosen.out, optimize=True)
    except ImpastoError as error:
        sys.exit(str(error))
    print(
        f"{chosen.out}: {len(rows)} prompts x {chosen.seeds} seeds, {sampling.sampler}, {sampling.steps} steps, "
        f"{sampling.guider}, guidance {sampling.guidance:g}, memory {chosen.memory}, "
        f"checkpoint {painter.components.content_hash[:12]}"
    )


def labelled(rows: Sequence[Sequence[Image.Image]], labels: Sequence[str], cell: int) -> Image.Image:
    """Rows of pictures one below the other, under each its label."""
    strips = [
        Sheet(1, len(row), (cell, cell), legend=label).draw([row])
        for row, label in zip(rows, labels, strict=True)
    ]
    sheet = Image.new("RGB", (max(strip.width for strip in strips), sum(strip.height for strip in strips)), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    return sheet


def known_name(painter: Painter, artist: str) -> str:
    """The artist by the name that the checkpoint was trained with; as it is where it knows no such artist."""
    try:
        return painter.artists.resolve(artist).name
    except ImpastoError:
        print(f"this checkpoint does not know {artist}")
        return artist


if __name__ == "__main__":
    main()

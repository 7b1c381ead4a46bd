"""Paints 8 prompts x 8 seeds to docs/pocket.png, nothing picked out: the sheet by which a checkpoint is judged by eye."""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.evaluation.grids import draw_sheet
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition

# Landscapes, heads and seas, by masters whose hands are told apart at a glance; styles and genres in the catalogue's words.
PROMPTS = (
    Condition("wheat field with cypresses", "Vincent van Gogh", style="Post Impressionism", genre="landscape"),
    Condition("boats at sunset", "Claude Monet", style="Impressionism", genre="landscape"),
    Condition("portrait of an old man", "Rembrandt", style="Baroque", genre="portrait"),
    Condition("mountains at dawn", "Nicholas Roerich", style="Symbolism", genre="landscape"),
    Condition("portrait of a woman", "Gustav Klimt", style="Art Nouveau Modern", genre="portrait"),
    Condition("ships on a stormy sea", "Ivan Aivazovsky", style="Romanticism", genre="landscape"),
    Condition("portrait of a young girl", "Pierre-Auguste Renoir", style="Impressionism", genre="portrait"),
    Condition("village street in the snow", "Alfred Sisley", style="Impressionism", genre="landscape"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--out", type=Path, default=Path("docs/pocket.png"))
    parser.add_argument("--seeds", type=int, default=8, help="seeds 1 to this")
    parser.add_argument("--sampler", default="dpm++")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=4.0)
    chosen = parser.parse_args()
    try:
        painter = Painter.load(chosen.checkpoint)
        size, rows, conditions = painter.components.default_size, [], []
        for condition in PROMPTS:
            conditions.append(replace(condition, artist=known_name(painter, condition.artist)))
            requests = [
                PaintRequest(
                    condition=conditions[-1],
                    seed=seed,
                    sampler=chosen.sampler,
                    steps=chosen.steps,
                    guidance=chosen.guidance,
                    width=size,
                    height=size,
                )
                for seed in range(1, chosen.seeds + 1)
            ]
            begun = time.perf_counter()
            rows.append([painting.image for painting in painter.paint_many(requests)])
            print(f"{conditions[-1].text()}: {time.perf_counter() - begun:.1f} s", flush=True)
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        draw_sheet(rows, [condition.text() for condition in conditions], cell=size).save(chosen.out, optimize=True)
    except ImpastoError as error:
        sys.exit(str(error))
    print(
        f"{chosen.out}: {len(rows)} prompts x {chosen.seeds} seeds, {chosen.sampler}, {chosen.steps} steps, "
        f"guidance {chosen.guidance:g}, checkpoint {painter.components.content_hash[:12]}"
    )


def known_name(painter: Painter, artist: str) -> str:
    """The artist by the name that the checkpoint was trained with; as it is where it knows no such artist."""
    try:
        return painter.artists.resolve(artist).name
    except ImpastoError:
        print(f"this checkpoint does not know {artist}")
        return artist


if __name__ == "__main__":
    main()

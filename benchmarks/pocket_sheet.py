"""Paints 8 prompts x 8 seeds to docs/pocket.png, nothing picked out: the sheet by which a checkpoint is judged by eye."""

import argparse
from pathlib import Path

from impasto.evaluation.grids import contact_sheet
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition

PROMPTS = (
    Condition("wheat field with cypresses", "Vincent van Gogh", style="Post Impressionism", genre="landscape"),
    Condition("boats at sunset", "Claude Monet", style="Impressionism", genre="landscape"),
    Condition("portrait of an old man", "Rembrandt", style="Baroque", genre="portrait"),
    Condition("mountains at dawn", "Nicholas Roerich", style="Symbolism", genre="landscape"),
    Condition("portrait of a woman", "Gustav Klimt", style="Art Nouveau Modern", genre="portrait"),
    Condition("ships on a stormy sea", "Ivan Aivazovsky", style="Romanticism", genre="landscape"),
    Condition("still life with flowers", "Pierre-Auguste Renoir", style="Impressionism", genre="still life"),
    Condition("a road through the forest", "Camille Corot", style="Realism", genre="landscape"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--out", type=Path, default=Path("docs/pocket.png"))
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--sampler", default="dpm++")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=4.0)
    chosen = parser.parse_args()
    painter = Painter.load(chosen.checkpoint)
    size = painter.components.default_size
    rows = []
    for condition in PROMPTS:
        if condition.artist:
            painter.artists.resolve(condition.artist)
        requests = [
            PaintRequest(
                condition=condition, seed=seed, sampler=chosen.sampler, steps=chosen.steps,
                guidance=chosen.guidance, width=size, height=size,
            )
            for seed in range(1, chosen.seeds + 1)
        ]  # fmt: skip
        rows.append([painting.image for painting in painter.paint_many(requests)])
        print(condition.text(), flush=True)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(rows, [condition.text() for condition in PROMPTS]).save(chosen.out, optimize=True)
    print(f"{chosen.out}: {len(rows)} prompts x {chosen.seeds} seeds, {chosen.sampler}, {chosen.steps} steps, "
          f"guidance {chosen.guidance:g}")  # fmt: skip


if __name__ == "__main__":
    main()

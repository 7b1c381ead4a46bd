"""How much nearer prompt-to-prompt stays to a painting than the edited prompt alone: PSNR and layout, medians.

    python benchmarks/word_layout.py [--checkpoint pocket] [--seeds 4] [--steps 25] [--guidance 5]

Each pair of prompts is painted from the noise of each seed: the source, the edit with the usual shares of replaced maps (0.8
and 0.4), and the edited prompt alone. PSNR is of the two against the source; the layout is the correlation of their
brightness in cells of 4 x 4 px. DDIM, one thread. At least 2 dB are asked for.
"""

import argparse
import statistics
import time

import numpy as np
import torch
from PIL import Image

from impasto.checkpoints.load import load_components
from impasto.painting.batches import to_image
from impasto.painting.painter import Painter
from impasto.painting.prompt_to_prompt.editor import PromptEditor, Sampled, WordEdit

PAIRS = (
    ("boats at sunset", "boats", "ships"), ("a village in the snow", "snow", "rain"),
    ("a vase of flowers", "flowers", "apples"), ("a portrait of a lady", "lady", "monk"),
)  # fmt: skip
_CELL = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=5.0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    parts = load_components(given.checkpoint)
    painter, editor, side = Painter(parts), PromptEditor(parts), int(parts.unet.config["sample_size"])
    ways: dict[str, list[tuple[float, float]]] = {"edited": [], "the edited prompt alone": []}
    gains, started = [], time.process_time()
    for source, old, new in PAIRS:
        text, shares = source.replace(old, new), ((0.8, 0.4), (0.0, 0.0))
        edits = [WordEdit(text, ((old, new),), cross=cross, itself=itself) for cross, itself in shares]
        for seed in range(given.seeds):
            made = editor.paint(source, edits, Sampled("ddim", given.steps, given.guidance, seed), (side, side)).latents
            first, *others = (to_image(painter._pixels(one[None])) for one in made)
            figures = [_figures(first, one) for one in others]
            for way, one in zip(ways, figures, strict=True):
                ways[way].append(one)
            gains.append(figures[0][0] - figures[1][0])
    print(f"{len(gains)} edits, DDIM {given.steps} steps, guidance {given.guidance:g}, one thread: medians")
    for way, found in ways.items():
        psnr, layout = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{way}: {psnr:.1f} dB to the source, layout {layout:.3f}")
    means = [statistics.mean(psnr for psnr, _ in found) for found in ways.values()]
    print(f"nearer by {statistics.median(gains):.1f} dB at the median, {means[0] - means[1]:.1f} dB on average; "
          f"{(time.process_time() - started) / len(gains):.1f} CPU s an edit")  # fmt: skip


def _figures(source: Image.Image, other: Image.Image) -> tuple[float, float]:
    """Returns PSNR in dB, and the correlation of the cells' brightness."""
    one, two = (np.asarray(image, float) for image in (source, other))
    psnr = 10 * np.log10(255**2 / max(float(np.square(one - two).mean()), 1e-9))
    cells = [np.asarray(image.convert("L").reduce(_CELL), float).ravel() for image in (source, other)]
    return float(psnr), float(np.corrcoef(cells)[0, 1])


if __name__ == "__main__":
    main()

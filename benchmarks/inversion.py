"""How near a picture comes after inversion and back, against what the autoencoder makes of it: medians in dB.

    python benchmarks/inversion.py --pictures DIR [--count 20] [--steps 50] [--checkpoint pocket]

DIR holds pictures in any depth; so many are taken, spread evenly over their sorted names. Each becomes noise by DDIM
inversion, by fixed-point iteration (5 a step), and by null-text optimisation, and is painted again by DDIM: the first two
with guidance 1, null text with guidance 5. "unfitted" is guidance 5 after DDIM inversion alone, which is why null text
exists. The words of a file's name describe its picture.
"""

import argparse
import re
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps

from impasto.checkpoints.load import load_components
from impasto.painting.editing.latents import encoded, to_pixels
from impasto.painting.editing.painting_edits import for_decoder
from impasto.painting.prompt_to_prompt.editor import Inverted, PromptEditor, Sampled
from impasto.painting.prompt_to_prompt.inversion import psnr

ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
GUIDED = 5.0
LEAST = {"ddim": 30.0, "fixed": 60.0, "null-text": 34.0}  # what is asked of the medians


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--checkpoint", default="pocket")
    given = parser.parse_args()
    torch.set_num_threads(1)
    parts = load_components(given.checkpoint)
    files = sorted(file for file in given.pictures.rglob("*") if file.suffix.lower() in ENDINGS)
    count = min(given.count, len(files))
    chosen = [files[(2 * n + 1) * len(files) // (2 * count)] for n in range(count)]
    print(f"{count} pictures at {parts.default_size} px, DDIM {given.steps} steps, one thread", flush=True)
    columns: dict[str, list[float]] = {name: [] for name in (*LEAST, "unfitted")}
    started = time.process_time()
    for file in chosen:
        for name, value in _figures(parts, file, given.steps).items():
            columns[name].append(value)
        told = "  ".join(f"{name} {values[-1]:.1f}" for name, values in columns.items())
        print(f"{file.parent.name}/{file.name}: {told}", flush=True)
    for name, values in columns.items():
        least = f", asked for {LEAST[name]:g}" if name in LEAST else f" (guidance {GUIDED:g} after DDIM inversion)"
        print(f"{name}: median {statistics.median(values):.1f} dB, {min(values):.1f} to {max(values):.1f}{least}")
    print(f"{(time.process_time() - started) / count:.1f} CPU s a picture")


def _figures(parts: Any, file: Path, steps: int) -> dict[str, float]:
    """PSNR in dB of each way, and of guided painting without fitted negatives."""
    side = parts.default_size
    with Image.open(file) as opened:
        image = ImageOps.fit(ImageOps.exif_transpose(opened).convert("RGB"), (side, side), Image.Resampling.LANCZOS)
    with torch.inference_mode():
        clean = encoded(parts.vae, to_pixels(image))
        own = _decoded(parts, clean)
    text, shape, editor = re.sub(r"[-_]+", " ", file.stem), (clean.shape[2], clean.shape[3]), PromptEditor(parts)
    plain, guided = Sampled("ddim", steps, 1.0), Sampled("ddim", steps, GUIDED)

    def back(begin: Inverted, how: Sampled) -> float:
        return psnr(_decoded(parts, editor.paint(text, [], how, shape, begin=begin).latents), own)

    found = {}
    for method in ("ddim", "fixed"):
        begin = editor.invert(text, clean, plain, method)
        found[method] = back(begin, plain)
        if method == "ddim":
            found["unfitted"] = back(begin, guided)
    found["null-text"] = back(editor.invert(text, clean, guided, "null-text"), guided)
    return found


@torch.inference_mode()
def _decoded(parts: Any, latents: torch.Tensor) -> torch.Tensor:
    return parts.vae.decode(for_decoder(latents, parts.vae.config), return_dict=False)[0].float()


if __name__ == "__main__":
    main()

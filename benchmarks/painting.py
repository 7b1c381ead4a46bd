"""Our painter against a plain diffusers `StableDiffusionPipeline` on the same exported checkpoint: one run, side by side.

Same sampler, steps, seeds and first noise, fp32, the pipeline's own defaults; the two take turns, so that whatever else the
machine does falls on both. Prints seconds (minimum and median), the ratio, and how far the pictures differ.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from impasto.checkpoints.export import export_checkpoint
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.painting.samplers import make_scheduler
from impasto.prompts.condition import Condition

PROMPT = Condition(caption="boats at sunset", artist="Claude Monet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--sampler", default="ddim")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=5.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    chosen = parser.parse_args()

    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

    with tempfile.TemporaryDirectory() as folder:
        exported = export_checkpoint(chosen.checkpoint, Path(folder) / "exported")
        pipeline = StableDiffusionPipeline.from_pretrained(exported, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    painter = Painter.load(chosen.checkpoint, device="cpu", precision="fp32")
    pipeline.scheduler = make_scheduler(chosen.sampler, painter.components.scheduler_config)
    size = painter.components.default_size

    def plain(count: int) -> list[np.ndarray]:
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in range(count)]
        made = pipeline(
            [PROMPT.text()] * count, num_inference_steps=chosen.steps, guidance_scale=chosen.guidance,
            height=size, width=size, generator=generators,
        )  # fmt: skip
        return [np.asarray(image, np.float64) for image in made.images]

    def ours(count: int) -> list[np.ndarray]:
        requests = [
            PaintRequest(
                condition=PROMPT, seed=seed, sampler=chosen.sampler, steps=chosen.steps, guidance=chosen.guidance,
                width=size, height=size,
            )
            for seed in range(count)
        ]  # fmt: skip
        return [np.asarray(painting.image, np.float64) for painting in painter.paint_many(requests)]

    print(f"{chosen.checkpoint}, {chosen.sampler}, {chosen.steps} steps, guidance {chosen.guidance:g}, {size} px, fp32, "
          f"{torch.get_num_threads()} threads")  # fmt: skip
    for count in chosen.batches:
        seconds: dict[str, list[float]] = {"diffusers": [], "impasto": []}
        pictures: dict[str, list[np.ndarray]] = {}
        for repeat in range(chosen.repeats + 1):
            for name, paint in (("diffusers", plain), ("impasto", ours)):
                begun = time.perf_counter()
                pictures[name] = paint(count)
                if repeat:  # the first of each is warm-up
                    seconds[name].append(time.perf_counter() - begun)
        apart = np.mean([np.abs(a - b).mean() for a, b in zip(*pictures.values(), strict=True)])
        print(f"{count} picture(s)")
        for name, took in seconds.items():
            print(f"  {name:10s} {min(took):7.3f} s at best, {statistics.median(took):7.3f} s in the median")
        ratio = statistics.median(a / b for a, b in zip(seconds["diffusers"], seconds["impasto"], strict=True))
        print(
            f"  ratio      {ratio:7.2f} (median of {chosen.repeats} pairs); pictures differ by {apart:.3f}/255 on average"
        )


if __name__ == "__main__":
    main()

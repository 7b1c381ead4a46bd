"""Pictures to start from, and control: our painter beside diffusers' pipelines, from the same noise.

    python benchmarks/edit_peers.py [--checkpoint pocket] [--pictures 4] [--steps 20]

`StableDiffusionImg2ImgPipeline` and `StableDiffusionControlNetPipeline` on the exported checkpoint beside `paint --from` and
`paint --control`, in turns, on one thread: median CPU seconds of each, their ratio, and the largest difference of a value of
255. No works of a memory are shown, which the pipelines do not know. The ControlNet is untrained, with small random weights
in place of its zeros. Instructions: `benchmarks/instruct.py`.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.adapters.control.nets import make_controlnet
from impasto.checkpoints.export.diffusers import export_checkpoint
from impasto.checkpoints.load import load_components
from impasto.painting.control.control import Control
from impasto.painting.editing.edit import start_from
from impasto.painting.editing.source import source_in_memory
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.painting.schedulers import make_scheduler
from impasto.prompts.condition import Condition
from impasto.vision.control_maps.edges import canny
from impasto.vision.control_maps.makers import parse_maker

TEXT, GUIDANCE, STRENGTH = "boats at sunset", 5.0, 0.6


class Peers:
    """Both painters, on one checkpoint."""

    def __init__(self, checkpoint: str, folder: Path, steps: int) -> None:
        import diffusers

        exported = export_checkpoint(checkpoint, folder / "exported")
        self.painter, self.steps = Painter(load_components(checkpoint)), steps
        parts = self.painter.components
        net: Any = make_controlnet(parts.unet)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for layer in (*net.controlnet_down_blocks, net.controlnet_mid_block):
                layer.weight += 0.02 * torch.randn(layer.weight.shape, generator=generator)
        net.save_pretrained(folder / "net")
        self.net = str(folder / "net")
        kinds: Any = diffusers
        load = {"local_files_only": True, "torch_dtype": torch.float32}
        self.pipelines: dict[str, Any] = {
            "from": kinds.StableDiffusionImg2ImgPipeline.from_pretrained(exported, **load),
            "control": kinds.StableDiffusionControlNetPipeline.from_pretrained(exported, controlnet=net, **load),
        }
        for pipeline in self.pipelines.values():
            pipeline.set_progress_bar_config(disable=True)
            pipeline.scheduler = make_scheduler("ddim", parts.scheduler_config)
        self._vae = self.pipelines["from"].vae

    def ours(self, what: str, image: Image.Image, seed: int) -> Image.Image:
        width, height = image.size
        how: Any = {"edit": start_from(image, STRENGTH)}
        if what == "control":
            how = {"controls": (Control(parse_maker("map"), source_in_memory(image), self.net),)}
        request = PaintRequest(Condition(TEXT), seed=seed, steps=self.steps, guidance=GUIDANCE, sampler="ddim", width=width,
                               height=height, memory="none", **how)  # fmt: skip
        return next(self.painter.paint_many([request])).image

    def theirs(self, what: str, image: Image.Image, seed: int) -> Image.Image:
        how: Any = {"strength": STRENGTH} if what == "from" else {}
        noise = [torch.Generator().manual_seed(seed)]
        return self.pipelines[what](TEXT, image=image, num_inference_steps=self.steps, guidance_scale=GUIDANCE,
                                    generator=noise, **how).images[0]  # fmt: skip

    def take_means(self) -> None:
        """Makes their pipeline take the mean of the encoder's posterior, as we do; it draws from it, and noise for that."""
        encode = self._vae.encode

        class Mean:
            def __init__(self, mean: torch.Tensor) -> None:
                self.latent_dist = self
                self.mean = mean

            def sample(self, generator: object = None) -> torch.Tensor:
                return self.mean

        self._vae.encode = lambda pixels: Mean(encode(pixels).latent_dist.mode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        peers = Peers(given.checkpoint, Path(place), given.steps)
        peers.take_means()
        pictures = [peers.painter.paint("a farm", seed=seed, steps=10).image for seed in range(given.pictures)]
        for what in peers.pipelines:
            _compare(peers, what, pictures)


def _compare(peers: Peers, what: str, pictures: list[Image.Image]) -> None:
    seconds: dict[str, list[float]] = {"ours": [], "diffusers": []}
    differences = []
    for seed, picture in enumerate(pictures):
        shown = picture if what == "from" else Image.fromarray(canny(np.array(picture))).convert("RGB")
        made = {}
        for who in sorted(seconds, reverse=bool(seed % 2)):
            started = time.process_time()
            made[who] = (peers.ours if who == "ours" else peers.theirs)(what, shown, seed)
            seconds[who].append(time.process_time() - started)
        both = [np.asarray(made[who], int) for who in seconds]
        differences.append(int(np.abs(both[0] - both[1]).max()))
    ours, theirs = (statistics.median(seconds[who]) for who in seconds)
    side = pictures[0].width
    print(f"{what}: {len(pictures)} pictures of {side} px, {peers.steps} steps, DDIM, one thread, CPU seconds a picture: "
          f"ours {ours:.2f}, diffusers {theirs:.2f}, ratio {ours / theirs:.2f}; largest difference {max(differences)}/255",
          flush=True)  # fmt: skip


if __name__ == "__main__":
    main()

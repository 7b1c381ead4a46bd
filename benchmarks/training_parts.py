"""Where a training step's time goes (`benchmarks/training.py --parts`), in CPU seconds, which other load changes little."""

import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from impasto.checkpoints.load import load_components
from impasto.checkpoints.size import latent_factor
from impasto.settings import flushed_denormals, keep_freed_memory
from impasto.training.distributed.processes import Processes
from impasto.training.methods.fine_tuning import SHORT_TOKENS
from torchvision_stand_in import CenterCrop, Compose, Normalize, Resize, ToTensor
from training_inputs import clip_text_encoder, stable_diffusion

TOKENS = 77
NAMES = {"pocket": "pocket", "sd-half": "half of Stable Diffusion v1's widths", "sd": "Stable Diffusion v1"}


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """CPU seconds, the least of some times, after one more that does not count."""
    work()
    took = []
    for _ in range(times):
        begun = time.process_time()
        work()
        took.append(time.process_time() - begun)
    return min(took)


class Step:
    """A training step's parts with untrained or pocket's weights."""

    def __init__(self, shape: str, size: int, batch: int) -> None:
        if shape == "pocket":
            own = load_components("pocket", dtype=torch.float32)
            unet, vae, width, layers = own.unet, own.vae, 384, 6
        else:
            unet, vae, width = stable_diffusion(0.5 if shape == "sd-half" else 1.0, size)
            layers = 12
        self.unet: Any = unet
        self.vae: Any = vae
        self.unet.train().requires_grad_(True)
        self.encoder = clip_text_encoder(width, layers, 514).eval().requires_grad_(False)
        self.vae.requires_grad_(False)
        side, channels = size // latent_factor(self.vae.config), int(self.unet.config["in_channels"])
        self.latents, self.states = torch.randn(batch, channels, side, side), torch.randn(batch, TOKENS, width)
        self.times = torch.randint(0, 1000, (batch,))
        self.tokens, self.pixels = torch.randint(0, 500, (batch, TOKENS)), torch.randn(batch, 3, size, size)

    def denoise(self) -> None:
        """The U-Net, forward and backward."""
        self.unet.zero_grad(set_to_none=True)
        self.unet(self.latents, self.times, self.states).sample.square().mean().backward()

    def encode_pictures(self) -> None:
        """The VAE's encoder."""
        with torch.no_grad():
            self.vae.encode(self.pixels).latent_dist.sample()

    def encode_texts(self) -> None:
        """The text encoder."""
        with torch.no_grad():
            self.encoder(self.tokens)

    def operations(self) -> dict[str, float]:
        """Of each part, multiply and add counted as two."""
        found = {}
        for name, part in self.parts().items():
            with FlopCounterMode(display=False) as counter:
                part()
            found[name] = float(counter.get_total_flops())
        return found

    def parts(self) -> dict[str, Callable[[], None]]:
        """By name."""
        return {"U-Net": self.denoise, "VAE": self.encode_pictures, "text encoder": self.encode_texts}


def loaded(source: tuple[int, int], size: int, batch: int) -> Callable[[], object]:
    """What the example's loader does for a batch: JPEGs decoded, made small, cropped, made tensors."""
    draw = np.random.default_rng(0)
    file = io.BytesIO()
    soft = Image.fromarray(draw.integers(0, 256, (9, 12, 3), np.uint8)).resize((source[0], source[1]))
    soft.save(file, "JPEG", quality=90)
    prepare = Compose([Resize(size), CenterCrop(size), ToTensor(), Normalize([0.5], [0.5])])
    return lambda: torch.stack([prepare(Image.open(io.BytesIO(file.getvalue())).convert("RGB")) for _ in range(batch)])


def print_parts(shape: str, size: int, batch: int, source: tuple[int, int], threads: int) -> None:
    """One line a part: CPU seconds a step, and who pays them."""
    torch.set_num_threads(threads)
    step = Step(shape, size, batch)
    print(f"{shape}, {size} px, batch {batch}, fp32, {threads} thread(s): CPU seconds a step")

    def line(name: str, took: float, whose: str) -> None:
        print(f"  {name:44s}{took:8.3f}  {whose}")

    line(f"JPEGs of {source[0]} x {source[1]} px to tensors", seconds(loaded(source, size, batch)), "example")
    line("VAE's encoder", seconds(step.encode_pictures), "example")
    line("text encoder", seconds(step.encode_texts), "example")
    line("U-Net, forward and backward", seconds(step.denoise), "example")
    keep_freed_memory()
    line("the same, with freed memory kept", seconds(step.denoise), "neither")
    with flushed_denormals():
        line("the same, and the smallest numbers as 0", seconds(step.denoise), "impasto")
        step.states = step.states[:, :SHORT_TOKENS]
        line(f"the same, and texts of {SHORT_TOKENS} tokens", seconds(step.denoise), "impasto, --text-padding batch")
    weights: list[Any] = list(step.unet.parameters())
    line("clipping", seconds(lambda: torch.nn.utils.clip_grad_norm_(weights, 1.0)), "both")
    for fused, whose in ((False, "example"), (True, "impasto")):
        optimizer = torch.optim.AdamW(weights, lr=1e-9, fused=fused)
        line("AdamW, fused" if fused else "AdamW", seconds(optimizer.step), whose)
        del optimizer
    line("accelerate", _accelerate(), "both")
    for name in (shape, "sd"):
        side = size if name == shape else 512
        told = _operations(name, side)
        parts = ", ".join(f"{part} {operations / 1e9:.1f}" for part, operations in told.items())
        ratio = sum(told.values()) / told["U-Net"]
        print(f"  GFLOP a picture, {NAMES[name]} at {side} px: {parts}; all to the U-Net's alone: {ratio:.2f}")


def _operations(shape: str, size: int) -> dict[str, float]:
    # Counting needs shapes only, and Stable Diffusion's weights and gradients would be 7 GB.
    with torch.device("cpu" if shape == "pocket" else "meta"):
        return Step(shape, size, 1).operations()


def _accelerate() -> float:
    """What `Processes` adds to a step of one small layer: its backward, clipping and gathering less torch's own."""
    layer, processes, given = torch.nn.Linear(8, 8), Processes(), torch.randn(4, 8)
    optimizer = torch.optim.AdamW(layer.parameters())
    wrapped, prepared = processes.prepare(layer, optimizer)

    def through() -> None:
        prepared.zero_grad(set_to_none=True)
        processes.backward(wrapped(given).mean())
        processes.clip(list(layer.parameters()), 1.0)
        prepared.step()
        processes.gathered(given)

    def plain() -> None:
        optimizer.zero_grad(set_to_none=True)
        layer(given).mean().backward()
        torch.nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
        optimizer.step()

    return seconds(through, 20) - seconds(plain, 20)

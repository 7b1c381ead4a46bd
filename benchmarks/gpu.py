"""Painting and training on an accelerator, ours beside diffusers' defaults, in one run of at most `--seconds`.

For pocket and for a U-Net of Stable Diffusion v1's shape with random weights: pictures per second, and floating-point
operations per second of the U-Net and the decoder (as torch counts them) as a share of what the card reaches in one large
matrix product, measured in the same run. Painting: diffusers' pipeline in fp32, its default, and in `--precision`; our
painter with the engines `eager` and `compiled`. Training: what diffusers' example does by default (fp32, encoders in every
step, AdamW as torch makes it) and our task (mixed precision, cached latents and text states, fused AdamW). The batches are
the largest powers of two that a part of the memory holds.

What does not fit into the time is left out, and said. Without an accelerator or a compiler it is rehearsed by
`--device cpu --shapes tiny --precision fp32 --backend eager --steps 2 --row-seconds 1`.
"""

import argparse
import copy
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch.utils.flop_counter import FlopCounterMode

from impasto.checkpoints.components import Components
from impasto.checkpoints.export.diffusers import export_checkpoint
from impasto.checkpoints.load import load_components
from impasto.checkpoints.size import latent_factor
from impasto.errors import ImpastoError
from impasto.painting.engines.compiled import CompiledEngine
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from impasto.settings import choose_device, choose_precision
from impasto.training.distributed.processes import Processes
from impasto.training.methods.fine_tuning import FineTuningTask
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.pocket.machine import find_machine
from training_inputs import clip_text_encoder, small_tokenizer, stable_diffusion

PROMPT, GUIDANCE, TOKENS = "boats at sunset by Claude Monet", 5.0, 77
# Of the memory that is free: activations grow faster than the two batches by which they are measured say.
PART, MOST = 0.6, 64
SCHEDULE = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
            "prediction_type": "epsilon", "timestep_spacing": "leading", "steps_offset": 1, "clip_sample": False,
            "set_alpha_to_one": False}  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """What all rows share. `peak`: operations per second of a matrix product in `dtype`; `ends`: by `time.monotonic`."""

    device: torch.device
    dtype: torch.dtype
    precision: str
    backend: str
    steps: int
    batch: int
    row_seconds: float
    ends: float
    peak: float

    def left(self) -> float:
        return self.ends - time.monotonic()

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


@dataclass
class Subject:
    """A checkpoint in fp32 on the CPU, from which each row takes a copy, and its work in operations."""

    name: str
    components: Components
    side: int
    picture: float = 0.0  # operations of one picture: all steps with guidance, and the decoder
    example: float = 0.0  # of one picture in one training step: forward and backward
    folder: Path | None = field(default=None)  # exported, if diffusers cannot be given its parts

    def copied(self, device: torch.device, dtype: torch.dtype) -> Components:
        """Returns a copy of it on a device: a row may lay out its weights as it likes."""
        made = copy.copy(self.components)
        for name in ("unet", "vae", "text_encoder"):
            setattr(made, name, torch.nn.Module.to(copy.deepcopy(getattr(self.components, name)), device, dtype))
        return made

    @property
    def latents(self) -> tuple[int, int, int]:
        """The shape of a latent."""
        small = self.side // latent_factor(self.components.vae.config)
        return int(self.components.unet.config["in_channels"]), small, small


def make_subject(kind: str, steps: int, scratch: Path) -> Subject:
    """`pocket`; `sd`: Stable Diffusion v1's shape with random weights; or `tiny`, for a rehearsal."""
    torch.manual_seed(0)
    if kind == "pocket":
        components = load_components("pocket", device=torch.device("cpu"), dtype=torch.float32)
        subject = Subject("pocket", components, components.default_size)
        subject.folder = export_checkpoint("pocket", scratch / "pocket")
    else:
        unet, vae, width = _tiny() if kind == "tiny" else stable_diffusion(1.0, 512)
        tokenizer = small_tokenizer()
        encoder = clip_text_encoder(width, 1 if kind == "tiny" else 12, len(tokenizer)).eval()
        side = 64 if kind == "tiny" else 512
        name = "tiny" if kind == "tiny" else "Stable Diffusion v1's shape"
        parts = Components(name, "0" * 64, vae.eval(), unet.eval(), encoder, tokenizer, dict(SCHEDULE), default_size=side)
        subject = Subject(name, parts, side)
    subject.picture, subject.example = _operations(subject, steps)
    return subject


def _tiny() -> tuple[Any, Any, int]:
    kinds = "DownEncoderBlock2D", "UpDecoderBlock2D"
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=(32, 64), cross_attention_dim=64, layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )  # fmt: skip
    levels: dict[str, Any] = {
        "block_out_channels": (32,) * 4, "down_block_types": (kinds[0],) * 4, "up_block_types": (kinds[1],) * 4
    }  # fmt: skip
    return unet, AutoencoderKL(**levels, sample_size=64), 64


@torch.no_grad()
def _operations(subject: Subject, steps: int) -> tuple[float, float]:
    """Counted on torch's device without memory, so that it takes no time."""
    unet: Any = torch.nn.Module.to(copy.deepcopy(subject.components.unet), "meta")
    vae: Any = torch.nn.Module.to(copy.deepcopy(subject.components.vae), "meta")
    latents = torch.empty(1, *subject.latents, device="meta")
    states = torch.empty(1, TOKENS, int(unet.config["cross_attention_dim"]), device="meta")
    counts = []
    for work in (lambda: unet(latents, torch.empty(1, device="meta"), states), lambda: vae.decode(latents)):
        with FlopCounterMode(display=False) as counter:
            work()
        counts.append(float(counter.get_total_flops()))
    return 2 * steps * counts[0] + counts[1], 3 * counts[0]


def matrix_product(device: torch.device, dtype: torch.dtype) -> float:
    """Operations per second of one large matrix product, the best of some."""
    side = 8192 if device.type == "cuda" else 1024
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    best = 0.0
    for _ in range(6):
        begun = time.perf_counter()
        for _ in range(4):
            torch.matmul(a, b)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = max(best, 8.0 * side**3 / (time.perf_counter() - begun))
    return best


def fitting(run: Callable[[int], object], setting: Setting) -> int:
    """Returns the largest power of two of pictures that a part of the free memory holds, by batches of 1 and 2."""
    if setting.batch:
        return setting.batch
    if setting.device.type != "cuda":
        return 2
    peaks = []
    for count in (1, 2):
        torch.cuda.reset_peak_memory_stats(setting.device)
        run(count)
        peaks.append(torch.cuda.max_memory_allocated(setting.device))
    each = max(1, peaks[1] - peaks[0])
    room = PART * (torch.cuda.mem_get_info(setting.device)[0] + torch.cuda.memory_reserved(setting.device)) - peaks[0]
    fits = max(1, min(MOST, 1 + int(room / each)))
    return 1 << (fits.bit_length() - 1)


def measure(
    name: str, make: Callable[[], Callable[[int], object]], operations: float, setting: Setting, count: int
) -> tuple[float, int]:
    """Runs a row for its share of the time and prints it. `count`: pictures at once; 0: what fits.

    Returns its pictures per second and the pictures at once; zeros if it was left out or failed.
    """
    if setting.left() <= 0:
        print(f"  {name:34s} left out: the time is up")
        return 0.0, 0
    try:
        run, begun = make(), time.perf_counter()
        count = count or fitting(run, setting)
        run(count)
        setting.wait()
        warm_up, done, begun = time.perf_counter() - begun, 0, time.perf_counter()
        while not done or (time.perf_counter() - begun < setting.row_seconds and setting.left() > 0):
            run(count)
            setting.wait()
            done += count
    except (ImpastoError, RuntimeError) as error:
        print(f"  {name:34s} failed: {(str(error).strip() or type(error).__name__).splitlines()[0][:120]}")
        return 0.0, 0
    speed = done / (time.perf_counter() - begun)
    flops = speed * operations
    print(f"  {name:34s}{count:6d}{speed:12.3f}{flops / 1e12:12.3f}{flops / setting.peak:10.1%}{warm_up:12.1f}", flush=True)
    return speed, count


def their_painting(subject: Subject, setting: Setting, dtype: torch.dtype) -> Callable[[int], object]:
    """diffusers' pipeline with its defaults."""
    if subject.folder is not None:
        pipeline: Any = StableDiffusionPipeline.from_pretrained(subject.folder, torch_dtype=dtype)
    else:
        parts, make = subject.copied(setting.device, dtype), StableDiffusionPipeline
        scheduler: Any = DDIMScheduler.from_config(SCHEDULE)
        build: Any = make  # its types want a safety checker, which it does not need
        pipeline = build(parts.vae, parts.text_encoder, parts.tokenizer, parts.unet, scheduler, None, None,
                         requires_safety_checker=False)  # fmt: skip
    pipeline.to(setting.device)
    pipeline.set_progress_bar_config(disable=True)
    return lambda count: pipeline([PROMPT] * count, num_inference_steps=setting.steps, guidance_scale=GUIDANCE,
                                  height=subject.side, width=subject.side)  # fmt: skip


def our_painting(subject: Subject, setting: Setting, engine: str) -> Callable[[int], object]:
    """Our painter."""
    painter = Painter(subject.copied(setting.device, setting.dtype), setting.device, engine)
    if engine == "compiled" and setting.backend != "inductor":
        painter._engine._wanted = CompiledEngine(setting.device, setting.dtype, backend=setting.backend)

    def paint(count: int) -> None:
        requests = [
            PaintRequest(Condition(caption=PROMPT), seed=seed, sampler="ddim", steps=setting.steps, guidance=GUIDANCE,
                         width=subject.side, height=subject.side, memory="none")
            for seed in range(count)
        ]  # fmt: skip
        for _ in painter.paint_many(requests, batch_size=count):
            pass

    return paint


def their_training(subject: Subject, setting: Setting) -> Callable[[int], object]:
    """A step of diffusers' example with its defaults."""
    parts = subject.copied(setting.device, torch.float32)
    unet, vae, encoder = (getattr(parts, name) for name in ("unet", "vae", "text_encoder"))
    vae.requires_grad_(False)
    encoder.requires_grad_(False)
    optimizer = torch.optim.AdamW(unet.train().requires_grad_(True).parameters(), lr=1e-5)
    scheduler: Any = DDIMScheduler.from_config(SCHEDULE)

    def step(count: int) -> None:
        pixels = torch.randn(count, 3, subject.side, subject.side, device=setting.device)
        with torch.no_grad():
            latents = vae.encode(pixels).latent_dist.sample() * vae.config.scaling_factor
            states = parts.encode_text([PROMPT] * count).to(setting.device)
        noise, times = torch.randn_like(latents), torch.randint(0, 1000, (count,), device=setting.device)
        made = unet(scheduler.add_noise(latents, noise, times), times, states).sample
        torch.nn.functional.mse_loss(made.float(), noise).backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


class Drawn:
    """A training set of random latents and text states, as they come from the caches."""

    def __init__(self, subject: Subject, count: int) -> None:
        draw = np.random.default_rng(0)
        self.entries, self.texts = [None] * count, [[PROMPT]] * count
        self._means = draw.standard_normal((count, *subject.latents), np.float32)
        width = int(subject.components.unet.config["cross_attention_dim"])
        self._states = draw.standard_normal((1, TOKENS, width), np.float32)

    def posteriors(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._means[numbers], 0.1 * np.ones_like(self._means[numbers])

    def states(self, texts: list[str]) -> np.ndarray:
        return np.repeat(self._states, len(texts), axis=0)


def our_training(subject: Subject, setting: Setting) -> Callable[[int], object]:
    """A step of `impasto train`'s task. Another size of the batch begins a task of its own."""
    tasks: dict[int, FineTuningTask] = {}

    def step(count: int) -> None:
        if count not in tasks:
            tasks.clear()
            drawn: Any = Drawn(subject, 4 * count)
            choices = FineTuning(batch=count, precision=setting.precision, learning_rate=1e-5)
            parts = subject.copied(setting.device, torch.float32)
            tasks[count] = FineTuningTask(parts, drawn, drawn, choices, Processes(setting.precision), seed=0)
        tasks[count].step(0, 0.0)

    return step


def compare(subject: Subject, setting: Setting) -> None:
    """All rows of a subject."""
    each = f"{subject.picture / 1e12:.3f} TFLOP a picture"
    print(f"{subject.name}, {subject.side} px, {setting.steps} steps with guidance; {each}")
    print(f"  {'painting':34s}{'batch':>6s}{'pictures/s':>12s}{'TFLOP/s':>12s}{'of peak':>10s}{'warm-up s':>12s}")
    low = setting.dtype != torch.float32
    rows: list[tuple[str, Callable[[], Callable[[int], object]]]]
    rows = [("diffusers, fp32 (its default)", lambda: their_painting(subject, setting, torch.float32))]
    if low:
        rows.append((f"diffusers, {setting.precision}", lambda: their_painting(subject, setting, setting.dtype)))
    for engine in ("eager", "compiled"):
        rows.append((f"impasto {engine}, {setting.precision}",
                     lambda engine=engine: our_painting(subject, setting, engine)))  # fmt: skip
    _rows(rows, subject.picture, setting)
    print(f"  {'training, a step':34s}{'batch':>6s}{'pictures/s':>12s}{'TFLOP/s':>12s}{'of peak':>10s}{'warm-up s':>12s}")
    _rows([
        ("diffusers' example, its defaults", lambda: their_training(subject, setting)),
        (f"impasto train, {setting.precision}", lambda: our_training(subject, setting)),
    ], subject.example, setting)  # fmt: skip


def _rows(rows: list[tuple[str, Callable[[], Callable[[int], object]]]], operations: float, setting: Setting) -> None:
    first, count = 0.0, 0
    for name, make in rows:
        # `compiled` compiles for each batch anew, so it takes that of the row before, `eager` in the same precision.
        speed, count = measure(name, make, operations, setting, count if "compiled" in name else 0)
        if speed and first:
            print(f"  {'':34s}{speed / first:.2f} times {rows[0][0]}")
        first = first or speed
        if setting.device.type == "cuda":
            torch.cuda.empty_cache()


def main() -> None:
    """Measures the card, then each shape."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=480, help="limit of the whole run; a row that has begun ends")
    parser.add_argument("--row-seconds", type=float, default=10, help="of each row, after its warm-up")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--precision", choices=("fp32", "bf16", "fp16"), default="bf16", help="of ours, and of diffusers' second row"
    )
    parser.add_argument("--shapes", nargs="+", choices=("pocket", "sd", "tiny"), default=["pocket", "sd"])
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--batch", type=int, default=0, help="0: what fits into the memory (2 on a CPU)")
    parser.add_argument("--backend", default="inductor", help="of torch.compile; eager needs no compiler")
    chosen = parser.parse_args()
    if chosen.steps < 1 or chosen.batch < 0 or chosen.seconds <= 0:
        parser.error("at least one step, and a limit above 0")
    begun = time.monotonic()
    try:
        device = choose_device(chosen.device)
        dtype = choose_precision(chosen.precision, device)
        peak = matrix_product(device, dtype)
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else find_machine(chosen.device, "fp32").name
        print(f"{name}; torch {torch.__version__}; {peak / 1e12:.3f} TFLOP/s in a matrix product in {chosen.precision};"
              f" load {os.getloadavg()[0]:.1f}")  # fmt: skip
        setting = Setting(device, dtype, chosen.precision, chosen.backend, chosen.steps, chosen.batch, chosen.row_seconds,
                          begun + chosen.seconds, peak)  # fmt: skip
        with tempfile.TemporaryDirectory() as scratch:
            for shape in chosen.shapes:
                if setting.left() <= 0:
                    print(f"{shape}: left out: the time is up")
                    continue
                compare(make_subject(shape, chosen.steps, Path(scratch)), setting)
    except ImpastoError as error:
        sys.exit(str(error))
    print(f"{time.monotonic() - begun:.0f} s in all")


if __name__ == "__main__":
    main()

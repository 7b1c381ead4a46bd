"""Our painter against a plain diffusers `StableDiffusionPipeline` on the same exported checkpoint: one run, side by side.

Same sampler, steps, seeds and first noise; fp32 and the pipeline's own defaults. Each works in a process of its own, since
our painter tells the allocator to keep freed memory and a pipeline by its defaults does not. The two take turns, and who
begins alternates, so that whatever else the machine does falls on both. `--samplers` times dpm++ with 20 steps against the
2022 paper's setting instead (DDIM, eta 1, 200 steps), both on our painter; `--few-steps` a student's 4 steps without
guidance against dpm++ with 20, picture by picture at each of `--sizes`, and says how much of it is the U-Net.
`--engines` times each engine against diffusers ("openvino-bf16" is in bf16, "openvino-int8" in int8), and says how far its
pictures are from those; without names all that this machine has. It begins with what fp32 can reach: the operations of a
picture over those that this CPU does in a large matrix product. Ratios are given by the clock and by the CPU seconds of all
threads, which other load changes less; `--threads 1` makes both the same on an idle machine.
`--memory` times painting with the checkpoint's memory, works found anew for every picture, against painting without.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from impasto.adapters.lora.files import POCKET_STUDENT
from impasto.checkpoints.export.diffusers import export_checkpoint
from impasto.checkpoints.load import load_components
from impasto.checkpoints.size import latent_factor
from impasto.errors import ImpastoError
from impasto.inference.runtime import (
    cpu_flags,
    cpu_has_bf16,
    cpu_has_int8,
    nncf_version,
    openvino_may_pay,
    openvino_version,
)
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.painting.schedulers import make_scheduler
from impasto.prompts.condition import Condition

PROMPT = Condition(caption="boats at sunset", artist="Claude Monet")
Paint = Callable[[int], list[np.ndarray]]


def plain_pipeline(checkpoint: str, sampler: str, steps: int, guidance: float, size: int) -> Paint:
    """Paints n pictures of seeds 0 .. n - 1 as diffusers does."""
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

    with tempfile.TemporaryDirectory() as folder:
        exported = export_checkpoint(checkpoint, Path(folder) / "exported")
        pipeline = StableDiffusionPipeline.from_pretrained(exported, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = make_scheduler(sampler, dict(pipeline.scheduler.config))

    def paint(count: int) -> list[np.ndarray]:
        made: Any = pipeline(
            [PROMPT.text()] * count,
            num_inference_steps=steps,
            guidance_scale=guidance,
            height=size,
            width=size,
            generator=[torch.Generator("cpu").manual_seed(seed) for seed in range(count)],
        )
        return [np.asarray(image, np.float64) for image in made.images]

    return paint


def our_painter(
    checkpoint: str,
    sampler: str,
    steps: int,
    guidance: float,
    eta: float = 0.0,
    loras: Sequence[str] = (),
    size: int | None = None,
    memory: str = "none",
    engine: str = "auto",
) -> Paint:
    """Paints n pictures of seeds 0 .. n - 1; with a memory of the next n seeds, so that works are found for each.

    `auto` takes OpenVINO at once where it would take it after some pictures, since a benchmark paints often enough.
    """
    if engine == "auto" and openvino_version() and openvino_may_pay():
        engine = "openvino"
    name, _, precision = engine.partition("-")
    painter = Painter.load(checkpoint, device="cpu", precision=precision or "fp32", loras=loras, engine=name)
    size = size or painter.components.default_size
    next_seeds = itertools.count()

    def paint(count: int) -> list[np.ndarray]:
        requests = [
            PaintRequest(
                condition=PROMPT,
                seed=seed,
                sampler=sampler,
                steps=steps,
                guidance=guidance,
                eta=eta,
                width=size,
                height=size,
                memory=memory,
            )
            for seed in (range(count) if memory == "none" else itertools.islice(next_seeds, count))
        ]
        return [np.asarray(painting.image, np.float64) for painting in painter.paint_many(requests)]

    return paint


class InOwnProcess:
    """A way to paint in a process of its own, which times itself."""

    def __init__(self, build: Callable[..., Paint], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._orders, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, build, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def __call__(self, count: int) -> tuple[float, float, list[np.ndarray]]:
        """Seconds it took by the clock, those of all its threads, and the pictures."""
        try:
            self._orders.send(count)
            return self._orders.recv()
        except (EOFError, BrokenPipeError):
            raise ImpastoError("one side of the comparison failed: its message is above") from None


def _serve(orders: Any, build: Callable[..., Paint], arguments: tuple[Any, ...]) -> None:
    try:
        paint = build(*arguments)
        while True:
            count = orders.recv()
            begun, used = time.perf_counter(), time.process_time()
            pictures = paint(count)
            orders.send((time.perf_counter() - begun, time.process_time() - used, pictures))
    except ImpastoError as error:
        sys.exit(str(error))
    except (EOFError, KeyboardInterrupt):
        return


def in_turns(ways: dict[str, InOwnProcess], count: int, repeats: int) -> dict[str, Any]:
    """Seconds of each way, the ratio of the first to each other pair by pair, and how far their pictures differ."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    pictures: dict[str, list[np.ndarray]] = {}
    for repeat in range(repeats + 1):
        for name in list(ways)[:: 1 if repeat % 2 else -1]:
            took, used, pictures[name] = ways[name](count)
            if repeat:  # the first of each is warm-up
                seconds[name].append(took)
                cpu[name].append(used)
    first, *others = ways
    print(f"{count} picture(s)")
    for name, took in seconds.items():
        print(f"  {name:24s} {min(took):8.3f} s at best, {statistics.median(took):8.3f} s in the median,"
              f" {statistics.median(cpu[name]):8.3f} CPU s")  # fmt: skip
    ratios, cpu_ratios, apart = {}, {}, {}
    for other in others:
        pairs = zip(pictures[first], pictures[other], strict=True)
        apart[other] = float(np.mean([np.abs(a - b).mean() for a, b in pairs]))
        ratios[other] = statistics.median(a / b for a, b in zip(seconds[first], seconds[other], strict=True))
        cpu_ratios[other] = statistics.median(a / b for a, b in zip(cpu[first], cpu[other], strict=True))
        at_best = min(seconds[first]) / min(seconds[other])
        print(f"  {other}: ratio {ratios[other]:.2f} (median of {repeats} pairs; {at_best:.2f} at best), "
              f"{cpu_ratios[other]:.2f} by CPU seconds, pictures differ by {apart[other]:.3f}/255 on average")  # fmt: skip
    return {"count": count, "seconds": seconds, "cpu": cpu, "ratio": ratios, "cpu ratio": cpu_ratios, "apart": apart}


def engines_here() -> list[str]:
    """The engines that paint on this CPU."""
    found = ["eager", "optimized"]
    if openvino_version():
        found += ["openvino", *(["openvino-bf16"] if cpu_has_bf16() else [])]
        found += ["openvino-int8"] if cpu_has_int8() and nncf_version() else []
    return found


def least_seconds(checkpoint: str, steps: int) -> float:
    """CPU seconds of one thread that a guided picture takes at least in fp32, if every operation were as fast as in a
    product of two 2048x2048 matrices; without the memory's tokens, and with the operations as diffusers does them.
    """
    from torch.utils.flop_counter import FlopCounterMode

    parts = load_components(checkpoint, device=torch.device("cpu"), dtype=torch.float32)
    side = parts.default_size // latent_factor(parts.vae.config)
    latents = torch.randn(2, parts.unet.config["in_channels"], side, side)
    states = parts.encode_text(["", PROMPT.text()])
    counter, decoder = FlopCounterMode(display=False), FlopCounterMode(display=False)
    with torch.inference_mode():
        with counter:
            parts.unet(latents, 500, states)
        with decoder:
            parts.vae.decode(latents[:1, : parts.vae.config["latent_channels"]])
    matrix, fastest = torch.randn(2048, 2048), float("inf")
    for _ in range(5):
        begun = time.process_time()
        matrix @ matrix
        fastest = min(fastest, time.process_time() - begun)
    speed = 2 * 2048**3 / fastest
    whole = steps * counter.get_total_flops() + decoder.get_total_flops()
    print(
        f"a picture is {whole / 1e9:.1f} GFLOP, of which the decoder {decoder.get_total_flops() / 1e9:.1f}; a matrix product"
        f" runs at {speed / 1e9:.0f} GFLOP/s: in fp32 at least {whole / speed:.3f} CPU s a picture"
    )
    return whole / speed


def cpu_name() -> str:
    """The CPU's name and whether it has units for bf16."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    kinds = sorted(flag for flag in cpu_flags() if flag in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16"))
    return f"{name} ({', '.join(kinds)})"


def few_steps(checkpoint: str, student: str, guidance: float, size: int, repeats: int) -> dict[str, Any]:
    """One picture of the student's 4 steps against one of dpm++ with 20, and what of the first the U-Net takes."""
    name, more = f"student, 4 steps, {size} px", f"student, 8 steps, {size} px"
    ways = {
        f"dpm++, 20 steps, {size} px": InOwnProcess(our_painter, checkpoint, "dpm++", 20, guidance, 0.0, (), size),
        name: InOwnProcess(our_painter, checkpoint, "lcm", 4, 1.0, 0.0, (student,), size),
    }
    found = in_turns(ways, 1, repeats)
    ways = {more: InOwnProcess(our_painter, checkpoint, "lcm", 8, 1.0, 0.0, (student,), size), name: ways[name]}
    compared = in_turns(ways, 1, repeats)["seconds"]
    step = (min(compared[more]) - min(compared[name])) / 4
    rest = min(compared[name]) - 4 * step
    print(f"  of the student's: U-Net 4 x {step:.3f} s, decoder and all else {rest:.3f} s (from 4 steps and 8)")
    return {**found, "size": size, "step": step, "rest": rest}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--sampler", default="dpm++")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=5.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--samplers", action="store_true", help="dpm++ 20 steps against DDIM, eta 1, 200 steps")
    parser.add_argument("--memory", action="store_true", help="with the checkpoint's memory against without")
    parser.add_argument(
        "--engines", nargs="*", metavar="NAME", help="such as eager openvino openvino-bf16, each against diffusers"
    )
    parser.add_argument("--threads", type=int, help="of each side (torch's own number)")
    parser.add_argument("--few-steps", action="store_true", help="a student's 4 steps against dpm++ with 20")
    parser.add_argument("--lora", default=POCKET_STUDENT, help="the student, with --few-steps")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256], help="pixels of a side, with --few-steps")
    parser.add_argument("--json", type=Path, help="where to write the figures (scratch/painting*.json)")
    chosen = parser.parse_args()
    if chosen.repeats < 1 or min(chosen.batches) < 1 or (chosen.threads is not None and chosen.threads < 1):
        parser.error("at least one repeat, one picture and one thread")
    if chosen.threads:
        os.environ["OMP_NUM_THREADS"] = str(chosen.threads)  # for the processes of both sides
        torch.set_num_threads(chosen.threads)
    try:
        size = load_components(chosen.checkpoint, device=torch.device("cpu"), dtype=torch.float32).default_size
        threads = torch.get_num_threads()
        if chosen.few_steps:
            what = "a student's 4 steps against dpm++ with 20"
            print(f"{chosen.checkpoint}: {what}, guidance {chosen.guidance:g}, fp32, {threads} thread(s)")
            results = [
                few_steps(chosen.checkpoint, chosen.lora, chosen.guidance, side, chosen.repeats) for side in chosen.sizes
            ]
            write(chosen.json or Path("scratch/painting-few-steps.json"), what, size, results)
            return
        shared = chosen.checkpoint, chosen.sampler, chosen.steps, chosen.guidance
        if chosen.memory:
            what = f"{chosen.sampler}, {chosen.steps} steps, with memory and without"
            ways = {
                "with memory": InOwnProcess(our_painter, *shared, 0.0, (), None, ""),
                "without": InOwnProcess(our_painter, *shared),
            }
        elif chosen.engines is not None:
            what = f"{chosen.sampler}, {chosen.steps} steps, engines side by side"
            ways = {"diffusers": InOwnProcess(plain_pipeline, *shared, size)}
            for name in chosen.engines or engines_here():
                ways[name] = InOwnProcess(our_painter, *shared, 0.0, (), None, "none", name)
        elif chosen.samplers:
            what = "dpm++ against the 2022 paper's setting"
            ways = {
                "ddim, eta 1, 200 steps": InOwnProcess(our_painter, chosen.checkpoint, "ddim", 200, chosen.guidance, 1.0),
                "dpm++, 20 steps": InOwnProcess(our_painter, chosen.checkpoint, "dpm++", 20, chosen.guidance),
            }
        else:
            what = f"{chosen.sampler}, {chosen.steps} steps"
            ways = {
                "diffusers": InOwnProcess(plain_pipeline, *shared, size),
                "impasto": InOwnProcess(our_painter, *shared),
            }
        print(f"{chosen.checkpoint}: {what}, guidance {chosen.guidance:g}, {size} px, fp32, {threads} thread(s)")
        print(f"on {cpu_name()}, load {os.getloadavg()[0]:.1f}")
        if chosen.engines is not None:
            least_seconds(chosen.checkpoint, chosen.steps)
        results = [in_turns(ways, count, chosen.repeats) for count in chosen.batches]
    except ImpastoError as error:
        sys.exit(str(error))
    kinds = {"-memory": chosen.memory, "-engines": chosen.engines is not None, "-samplers": chosen.samplers}
    kind = next((kind for kind, true in kinds.items() if true), "")
    write(chosen.json or Path("scratch") / f"painting{kind}.json", what, size, results)


def write(file: Path, what: str, size: int, results: list[dict[str, Any]]) -> None:
    """The figures, and says where."""
    file.parent.mkdir(parents=True, exist_ok=True)
    figures = {"what": what, "size": size, "threads": torch.get_num_threads(), "cpu": cpu_name(), "results": results}
    file.write_text(json.dumps(figures, indent=1), "utf-8")
    print(file)


if __name__ == "__main__":
    main()

"""Painting while somebody types: pocket's student with 4 steps, a prompt that grows by one letter for each picture.

For each engine the milliseconds from the key press (a prompt that was not encoded before) to the first preview, and to the
finished picture of the next one, painted without previews: medians by the clock, and in CPU time of all threads, which other
load changes less.
"""

import argparse
import os
import statistics
import time

import torch

from impasto.adapters.lora.files import POCKET_STUDENT
from impasto.inference.runtime import openvino_version
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from painting import cpu_name

PROMPT = "a harbour with fishing boats at sunset, seen from a hill above the red roofs of the town"


class Clocks:
    """The clock and the CPU time since it was made, in milliseconds."""

    def __init__(self) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return 1e3 * (time.perf_counter() - self._begun[0]), 1e3 * (time.process_time() - self._begun[1])


def typed(painter: Painter, prompt: str, steps: int, size: int, *, preview: bool) -> tuple[float, float]:
    """The time to the first preview, or to the picture of a painting without any."""
    previews: list[tuple[float, float]] = []
    clocks = Clocks()
    request = PaintRequest(
        condition=Condition(caption=prompt), seed=1, sampler="lcm", steps=steps, guidance=1.0, width=size, height=size,
        memory="none",
    )  # fmt: skip
    every = 1 if preview else 0
    for _ in painter.paint_many([request], preview_every=every, on_preview=lambda *_: previews.append(clocks.read())):
        pass
    return previews[0] if preview else clocks.read()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--lora", default=POCKET_STUDENT)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--keys", type=int, default=20, help="letters typed with each engine")
    parser.add_argument("--engines", nargs="+", default=["optimized", *(["openvino"] if openvino_version() else [])])
    parser.add_argument("--threads", type=int)
    chosen = parser.parse_args()
    if not 3 <= chosen.keys <= len(PROMPT) or chosen.steps < 1:
        parser.error(f"3 to {len(PROMPT)} letters, and at least one step")
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    what = f"{chosen.checkpoint} with {chosen.lora}, {chosen.steps} steps, {chosen.size} px"
    print(f"{what}, {torch.get_num_threads()} thread(s)")
    print(f"on {cpu_name()}, load {os.getloadavg()[0]:.1f}; milliseconds by the clock (CPU), medians")
    painters = {}
    for name in chosen.engines:
        engine, _, precision = name.partition("-")
        painters[name] = Painter.load(
            chosen.checkpoint, device="cpu", precision=precision or "fp32", loras=(chosen.lora,), engine=engine
        )
    found: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in painters}
    for letters in range(1, chosen.keys + 1):
        for name, painter in painters.items():
            first = typed(painter, PROMPT[:letters], chosen.steps, chosen.size, preview=True)
            whole = typed(painter, f"{PROMPT[:letters]}.", chosen.steps, chosen.size, preview=False)
            found[name].append((*first, *whole))
    for name, times in found.items():
        preview, preview_cpu, picture, cpu = (statistics.median(column) for column in zip(*times[2:], strict=True))
        print(f"  {name:14s} first preview {preview:6.1f} ({preview_cpu:.1f}), picture {picture:6.1f} ({cpu:.1f})")


if __name__ == "__main__":
    main()

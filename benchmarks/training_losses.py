"""Whether precision, short texts or a change of the code change what pocket learns from: the same steps in each way.

    python benchmarks/training_losses.py --catalogue DIR
    python benchmarks/training_losses.py --catalogue DIR --keep before.json       # and after a change of the code:
    python benchmarks/training_losses.py --catalogue DIR --against before.json

A line for each precision and padding: the losses of the same pictures, texts, noise and timesteps, at weights that hardly
move (learning rate 1e-7; `--rate` for a curve), their largest relative difference from fp32 with full padding, and CPU
seconds a step in one thread. fp32 is run as in `impasto train`, where the smallest numbers are 0, and with them. `--against`
says how far each way is from the same way in an earlier file.
"""

import argparse
import json
import random
import statistics
import time
from contextlib import nullcontext
from pathlib import Path

import torch

from impasto.checkpoints.load import load_components
from impasto.settings import flushed_denormals
from impasto.training.distributed.processes import Processes
from impasto.training.examples.training_set import encode_texts, encode_training_set, entries_of
from impasto.training.methods.fine_tuning import FineTuningTask
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.pocket.machine import find_machine

# name, precision, padding, whether the smallest numbers are 0
WAYS = (
    ("fp32, padded fully", "fp32", "full", True),
    ("fp32, padded fully, smallest numbers kept", "fp32", "full", False),
    ("fp32, to the batch", "fp32", "batch", True),
    ("bf16, padded fully", "bf16", "full", True),
    ("bf16, to the batch", "bf16", "batch", True),
)


def main() -> None:
    """One line a way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rate", type=float, default=1e-7, help="the learning rate")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write all losses to this file")
    parser.add_argument("--against", type=Path, metavar="FILE", help="compare with the losses in this file")
    parser.add_argument("--trained", choices=("unet", "text-encoder", "both"), default="unet")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{find_machine('cpu').name}; {chosen.trained} trained, batch {chosen.batch}")
    components = load_components("pocket", dtype=torch.float32)
    entries = entries_of(chosen.catalogue)
    random.Random(1).shuffle(entries)
    data = encode_training_set(entries[: chosen.pictures], components, components.default_size)
    states = encode_texts(data.all_texts, components) if chosen.trained == "unet" else None
    found: dict[str, list[float]] = {}
    earlier: dict[str, list[float]] = json.loads(chosen.against.read_text("utf-8")) if chosen.against else {}
    for name, precision, padding, flushes in WAYS:
        choices = FineTuning(
            trained=chosen.trained, batch=chosen.batch, text_padding=padding, precision=precision, learning_rate=chosen.rate
        )
        with flushed_denormals() if flushes else nullcontext():
            fresh = load_components("pocket", dtype=torch.float32)
            task = FineTuningTask(fresh, data, states, choices, Processes(precision), seed=3)
            losses, seconds = [], []
            for step in range(1, chosen.steps + 1):
                torch.manual_seed(step)
                begun = time.process_time()
                losses.append(task.step(step, 0.0)["loss"])
                seconds.append(time.process_time() - begun)
        found[name] = losses
        told = " ".join(f"{loss:.5f}" for loss in losses)
        told += f"; apart {apart(losses, found[WAYS[0][0]]):.4%}; {statistics.median(seconds):.2f} CPU s"
        told += f"; from {chosen.against.name} {apart(losses, earlier[name]):.4%}" if name in earlier else ""
        print(f"{name}: {told}", flush=True)
    if chosen.keep:
        chosen.keep.write_text(json.dumps(found), "utf-8")


def apart(losses: list[float], others: list[float]) -> float:
    """The largest relative difference of losses of the same steps."""
    return max(abs(mine / its - 1) for mine, its in zip(losses, others, strict=False))


if __name__ == "__main__":
    main()

"""Whether bf16 and short texts change what pocket learns from: the same steps in each way, on pictures of a catalogue.

    python benchmarks/training_losses.py --catalogue DIR

A line for each precision and padding: the losses of the same pictures, texts, noise and timesteps, at weights that hardly
move (learning rate 1e-7), their largest relative difference from fp32 with full padding, CPU seconds a step in one thread.
"""

import argparse
import itertools
import random
import statistics
import time
from pathlib import Path

import torch

from impasto.checkpoints.load import load_components
from impasto.training.distributed.processes import Processes
from impasto.training.examples.training_set import encode_texts, encode_training_set, entries_of
from impasto.training.methods.fine_tuning import FineTuningTask
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.pocket.machine import find_machine


def main() -> None:
    """One line a way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--trained", choices=("unet", "text-encoder", "both"), default="unet")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{find_machine('cpu').name}; {chosen.trained} trained, batch {chosen.batch}")
    components = load_components("pocket", dtype=torch.float32)
    entries = entries_of(chosen.catalogue)
    random.Random(1).shuffle(entries)
    data = encode_training_set(entries[: chosen.pictures], components, components.default_size)
    states = encode_texts(data.all_texts, components) if chosen.trained == "unet" else None
    reference: list[float] = []
    for precision, padding in itertools.product(("fp32", "bf16"), ("full", "batch")):
        choices = FineTuning(
            trained=chosen.trained, batch=chosen.batch, text_padding=padding, precision=precision, learning_rate=1e-7
        )
        fresh = load_components("pocket", dtype=torch.float32)
        task = FineTuningTask(fresh, data, states, choices, Processes(precision), seed=3)
        losses, seconds = [], []
        for step in range(1, chosen.steps + 1):
            torch.manual_seed(step)
            begun = time.process_time()
            losses.append(task.step(step, 0.0)["loss"])
            seconds.append(time.process_time() - begun)
        reference = reference or losses
        apart = max(abs(mine / its - 1) for mine, its in zip(losses, reference, strict=True))
        told = " ".join(f"{loss:.4f}" for loss in losses)
        print(f"{precision}, {padding:5s}: {told}; apart {apart:.2%}; {statistics.median(seconds):.2f} CPU s", flush=True)


if __name__ == "__main__":
    main()

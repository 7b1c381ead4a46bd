"""Our training against diffusers' own example `train_text_to_image.py`, as a user starts both, in turns.

Same checkpoint, pictures, size, batch, steps, learning rate and precision, neither with EMA nor augmentation. The example is
not part of Impasto: download examples/text_to_image/train_text_to_image.py of huggingface/diffusers (of the installed
version) and give its path; it runs unchanged, in a process of its own. Where torchvision is not installed, a stand-in by PIL
does its part of the example. Everything is written into a temporary folder.

A line for each way: pictures per second and CPU seconds a picture once it trains (after 20 steps), then of the whole command
(start, encoding, saving), and its peak memory. Ours are three: `first run` encodes every picture and text, `from
cache` finds them encoded, and `encoding every time` is what training would be if each use of a picture cost what encoding
it cost in the first run. `--parts` says instead where a step's time goes.
"""

import argparse
import importlib.util
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from training_inputs import ARTIST, copy_catalogue, draw_catalogue, write_checkpoint
from training_parts import print_parts

WARM_UP = 20  # steps that count for the whole command only; as often does `impasto train` write down its losses
RATE = "1e-5"
RUNNER = Path(__file__).with_name("run_example.py")


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and those of all cores together that were computed in: other load changes these less."""

    clock: float
    cpu: float

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.clock - other.clock, self.cpu - other.cpu)

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.clock + other.clock, self.cpu + other.cpu)

    def __mul__(self, factor: float) -> "Cost":
        return Cost(self.clock * factor, self.cpu * factor)


@dataclass(frozen=True)
class Watched:
    """What a command took: whole, until the first steps were done, for each step after them; its peak memory in bytes."""

    whole: Cost
    begin: Cost
    step: Cost
    peak: int


def watch(command: Sequence[str], environment: dict[str, str], done: Callable[[str], int]) -> Watched:
    """Runs a command to its end. `done`: how many steps are done, from what the command has said.

    Peak memory: the kernel's figure for the process, or the sum over it and its children at any moment, shared pages
    counted once, where that is more.
    """
    said = bytearray()
    begun = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    errors = process.stderr

    def read() -> None:
        while piece := os.read(errors.fileno(), 65536):
            said.extend(piece)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    peak, marks = 0, {0: Cost(0.0, 0.0)}  # by steps done
    while reader.is_alive():
        cpu, memory = _tree(process.pid)
        peak = max(peak, memory)
        marks.setdefault(done(said.decode(errors="replace")), Cost(time.perf_counter() - begun, cpu))
        reader.join(0.25)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    counted = sorted(number for number in marks if number >= WARM_UP)
    if process.returncode or len(counted) < 2:
        ended = f"{' '.join(command[:4])} ... ended with code {process.returncode} after {max(marks)} steps"
        sys.exit(f"{said.decode(errors='replace')[-2000:]}\n{ended}")
    first, last = counted[0], counted[-1]
    return Watched(
        Cost(time.perf_counter() - begun, used.ru_utime + used.ru_stime),
        marks[first],
        (marks[last] - marks[first]) * (1 / (last - first)),
        max(peak, used.ru_maxrss * 1024),
    )


def _shown(said: str) -> int:
    """The steps that the example's progress bar showed last; others have names of their own."""
    return int(["0", *re.findall(r"Steps:[^\r\n]*?(\d+)/\d+ \[", said)][-1])


def _tree(process: int) -> tuple[float, int]:
    """CPU seconds of a process and its children; their memory in bytes, or 0 where it is alone: the kernel knows that."""
    try:
        parts = [(root := psutil.Process(process)), *root.children(recursive=True)]
        cpu = sum(part.cpu_times().user + part.cpu_times().system for part in parts)
        return cpu, sum(part.memory_full_info().pss for part in parts) if len(parts) > 1 else 0
    except psutil.Error:
        return 0.0, 0


@dataclass(frozen=True)
class Comparison:
    """What both sides train on, and for how long."""

    example: Path
    checkpoint: Path
    catalogue: Path
    size: int
    batch: int
    steps: int
    precision: str
    padding: str
    folder: Path
    environment: dict[str, str]

    def theirs(self, name: str, workers: int) -> Watched:
        """The example, from a cache of its own for what it makes of the pictures' list."""
        options = {
            "pretrained_model_name_or_path": self.checkpoint, "train_data_dir": self.catalogue, "resolution": self.size,
            "train_batch_size": self.batch, "max_train_steps": self.steps, "learning_rate": RATE, "seed": 0,
            "lr_warmup_steps": 0, "mixed_precision": self.precision.replace("fp32", "no"), "dataloader_num_workers": workers,
            "cache_dir": self.folder / f"{name}-cache", "output_dir": self.folder / name,
        }  # fmt: skip
        arguments = [f"--{option}={value}" for option, value in options.items()]
        command = [sys.executable, str(RUNNER), str(self.example), "--center_crop", *arguments]
        return watch(command, self.environment, lambda said: _shown(said))

    def ours(self, name: str, cache: str) -> Watched:
        """`impasto train wang2023-artist` with the example's choices."""
        run = self.folder / name
        options = {
            "catalogue": self.catalogue, "artist": ARTIST, "checkpoint": self.checkpoint, "run": run, "steps": self.steps,
            "size": self.size, "batch": self.batch, "learning-rate": RATE, "warmup-steps": 0, "final-rate": 1,
            "ema-decay": 0, "snr-gamma": 0, "text-dropout": 0, "precision": self.precision,
            "text-padding": self.padding,
        }  # fmt: skip
        arguments = [part for option, value in options.items() for part in (f"--{option}", str(value))]
        command = [sys.executable, "-m", "impasto", "train", "wang2023-artist", *arguments]
        environment = {**self.environment, "IMPASTO_CACHE": str(self.folder / cache)}
        losses = run / "losses.jsonl"
        return watch(command, environment, lambda _: losses.read_bytes().count(b"\n") if losses.exists() else 0)


def compare(work: Comparison, turns: int, workers: Sequence[int], pictures: int) -> None:
    """Both sides in turns; prints a line for each way, and the ratios."""
    ways: dict[str, list[Watched]] = {}
    for turn in range(turns):
        for count in workers:
            name = f"example, {count} workers" if count else "example"
            ways.setdefault(name, []).append(work.theirs(f"theirs-{count}-{turn}", count))
            if count == workers[0]:  # in between
                ways.setdefault("impasto, first run", []).append(work.ours(f"first-{turn}", f"cache-{turn}"))
        ways.setdefault("impasto, from cache", []).append(work.ours(f"cached-{turn}", f"cache-{turn}"))
    first, cached = ways["impasto, first run"], ways["impasto, from cache"]
    examples = [found for name, found in ways.items() if name.startswith("example")]
    best = min(examples, key=lambda found: statistics.median(run.whole.clock for run in found))
    # What the first run did before its first steps and the second did not, for each picture.
    encoding = [(a.begin - b.begin) * (1 / pictures) for a, b in zip(first, cached, strict=True)]
    every_time = [run.step + cost * work.batch for run, cost in zip(cached, encoding, strict=True)]
    print(f"  {'':28s}{'pictures/s':>11s}{'CPU s/picture':>14s}{'whole: pictures/s':>18s}{'CPU s':>8s}{'peak MB':>8s}")
    for name, found in ways.items():
        told = _step_line(name, [run.step for run in found], work.batch)
        whole, cpu, peak = _medians((run.whole.clock, run.whole.cpu, run.peak / 1e6) for run in found)
        print(f"{told}{work.steps * work.batch / whole:18.2f}{cpu:8.1f}{peak:8.0f}")
    print(_step_line("impasto, encoding every time", every_time, work.batch))
    steps, theirs = [run.step for run in best], [run.whole for run in best]
    print(f"  times as fast (median of {turns} turns):{'clock':>10s}{'CPU':>8s}")
    _print_ratio("once it trains", steps, [run.step for run in cached])
    _print_ratio("encoding every time", steps, every_time)
    _print_ratio("whole command, first run", theirs, [run.whole for run in first])
    _print_ratio("whole command, from cache", theirs, [run.whole for run in cached])
    (peak,) = _medians((max(a.peak, b.peak) / c.peak,) for a, b, c in zip(first, cached, best, strict=True))
    print(f"  peak memory, the higher of our runs to the example's: {peak:.2f}")


def _medians(rows: Iterable[tuple[float, ...]]) -> list[float]:
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def _step_line(name: str, steps: list[Cost], batch: int) -> str:
    clock, cpu = _medians((step.clock, step.cpu) for step in steps)
    return f"  {name:28s}{batch / clock:11.2f}{cpu / batch:14.3f}"


def _print_ratio(name: str, theirs: list[Cost], ours: list[Cost]) -> None:
    clock, cpu = _medians((a.clock / b.clock, a.cpu / b.cpu) for a, b in zip(theirs, ours, strict=True))
    print(f"    {name:32s}{clock:10.2f}{cpu:8.2f}")


def main() -> None:
    """Builds what is trained, and runs the turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--example", type=Path, help="diffusers' train_text_to_image.py, a file that you downloaded")
    parser.add_argument("--parts", action="store_true", help="where a step's time goes; needs no example")
    parser.add_argument("--shape", choices=("pocket", "sd-half"), default="pocket", help="of the checkpoint")
    parser.add_argument("--catalogue", type=Path, help="your own pictures; else they are drawn")
    parser.add_argument("--count", type=int, default=320, help="pictures")
    parser.add_argument("--source", type=int, nargs=2, default=(1400, 1100), help="width and height of drawn pictures")
    parser.add_argument("--size", type=int, default=128, help="what they are trained at")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="of both; bf16: mixed precision")
    parser.add_argument("--text-padding", choices=("full", "batch"), default="full", help="of ours; the example pads to 77")
    parser.add_argument("--epochs", type=float, default=4.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2], help="of the example's loader; its best counts")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = parser.parse_args()
    if chosen.parts:
        print_parts(chosen.shape, chosen.size, chosen.batch, chosen.source, chosen.threads)
        return
    if chosen.example is None or not chosen.example.is_file():
        parser.error("--example: give diffusers' examples/text_to_image/train_text_to_image.py, which you downloaded")
    steps = round(chosen.epochs * chosen.count / chosen.batch)
    if chosen.batch < 1 or chosen.turns < 1 or steps <= WARM_UP:
        parser.error(f"at least one turn, and more than {WARM_UP} steps: more epochs, more pictures or a smaller batch")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if chosen.catalogue is None:
            catalogue = draw_catalogue(folder / "catalogue", chosen.count, *chosen.source)
        else:
            catalogue = copy_catalogue(chosen.catalogue, folder / "catalogue", chosen.count)
        checkpoint = write_checkpoint(chosen.shape, chosen.size, folder / "checkpoint")
        environment = {"OMP_NUM_THREADS": str(chosen.threads), "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub")}
        pictures = len(list(catalogue.iterdir())) - 1
        source = "your catalogue" if chosen.catalogue else "JPEGs of {} x {} px".format(*chosen.source)
        print(
            f"{chosen.shape}, {chosen.size} px, batch {chosen.batch}, {pictures} pictures ({source}), {steps} steps, "
            f"{chosen.precision}, texts: {chosen.text_padding}, "
            f"{chosen.threads} thread(s), load {os.getloadavg()[0]:.1f}"
        )
        if importlib.util.find_spec("torchvision") is None:
            print("  torchvision is not installed: its part of the example is done by PIL (torchvision_stand_in.py)")
        work = Comparison(
            chosen.example.resolve(), checkpoint, catalogue, chosen.size, chosen.batch, steps, chosen.precision,
            chosen.text_padding, folder, environment,
        )  # fmt: skip
        compare(work, chosen.turns, chosen.workers, pictures)


if __name__ == "__main__":
    main()

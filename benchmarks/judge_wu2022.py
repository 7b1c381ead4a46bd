"""wu2022's two stages: the validation loss of base, first and second stage, in one figure and a table.

Every checkpoint gets the same held-out pictures, posterior samples, noise, timesteps and texts. The curves are those that
the two runs wrote while they trained (`--validation-every`).

    python benchmarks/judge_wu2022.py --catalogue DIR --first runs/wu-1 --second runs/wu-2
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from impasto.checkpoints.components import Components
from impasto.checkpoints.load import load_components
from impasto.training.examples.training_set import condition_of, encode_training_set, entries_of
from impasto.training.examples.validation import validation_errors
from impasto.training.loop.loop import VALIDATION
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes.held_out import held_out_validation

STAGES = ("text encoder", "joint")
Curve = tuple[list[int], list[float]]


def curve_of(run: Path) -> Curve:
    """Steps and validation losses of a run."""
    rows = [json.loads(line) for line in (run / "losses.jsonl").read_text("utf-8").splitlines()]
    told = [(row["step"], row[VALIDATION]) for row in rows if VALIDATION in row]
    return [step for step, _ in told], [loss for _, loss in told]


def base_line(catalogue: Path, base: Components) -> float:
    """The base's loss on the very pictures that the runs were validated with."""
    choices = FineTuning(trained="both", validation_pictures=0)
    with TemporaryDirectory() as folder:
        validation = held_out_validation(catalogue, "", base, Path(folder), choices)
        assert validation is not None and validation.data is not None, "no picture is held out"
        return validation(0)[0][VALIDATION]


def print_table(catalogue: Path, names: Sequence[str], count: int) -> None:
    """The loss of each checkpoint on `count` held-out pictures with their whole text, in each band of timesteps."""
    base = load_components(names[0])
    entries = entries_of(catalogue, held_out=True)
    chosen = [entries[place] for place in np.unique(np.linspace(0, len(entries) - 1, min(count, len(entries))).astype(int))]
    data = encode_training_set(chosen, base, base.default_size)
    data = replace(data, texts=[[condition_of(entry).text()] for entry in data.entries])
    print(f"\n{len(data.entries)} held-out pictures with their whole text; bands of timesteps from clean to noise\n")
    print("| checkpoint | loss | of the base | by band |\n|---|---|---|---|")
    first = 0.0
    for stage, name in zip(("base", *STAGES), names, strict=True):
        errors = validation_errors(load_components(name), data, None)
        loss = float(np.mean(errors))
        first = first or loss
        bands = " ".join(f"{error:.4f}" for error in errors)
        print(f"| {stage} ({Path(name).name}) | {loss:.5f} | {loss / first:.4f} | {bands} |")


def draw(curves: Sequence[Curve], base: float, file: Path) -> None:
    """Both stages over their steps, one after the other, beside the base."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, whole = plt.subplots(figsize=(8, 4.2), dpi=120)
    axes: Any = whole
    axes.axhline(base, color="black", linewidth=1, label=f"base: {base:.4f}")
    axes.axhline(1.15 * base, color="black", linewidth=0.6, linestyle=":", label="1.15 x base")
    start = 0
    for (steps, losses), colour, name in zip(curves, ("tab:blue", "tab:orange"), STAGES, strict=True):
        axes.plot([start + step for step in steps], losses, ".-", color=colour, label=f"{name}: {losses[-1]:.4f}")
        start += steps[-1]
    # The first steps of an untrained encoder would press all the rest flat.
    axes.set_ylim(0.98 * min(base, *(min(losses) for _, losses in curves)), 1.5 * base)
    axes.set_xlabel("steps of both stages")
    axes.set_ylabel("validation loss")
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalogue", type=Path, required=True)
    parser.add_argument("--base", default="pocket", help="the checkpoint that the first stage began with")
    parser.add_argument("--first", type=Path, required=True, help="the run of wu2022-text-encoder")
    parser.add_argument("--second", type=Path, required=True, help="the run of wu2022-joint")
    parser.add_argument("--pictures", type=int, default=512, help="held-out pictures for the table")
    parser.add_argument("--figure", type=Path, default=Path("docs/wu2022.png"))
    given = parser.parse_args()
    with torch.inference_mode():
        base = base_line(given.catalogue, load_components(given.base))
        curves = [curve_of(given.first), curve_of(given.second)]
        for stage, (steps, losses) in zip(STAGES, curves, strict=True):
            share = losses[-1] / base
            print(f"{stage}: {steps[-1]} steps, validation loss {losses[-1]:.5f}, {share:.4f} of the base's {base:.5f}")
        draw(curves, base, given.figure)
        print_table(given.catalogue, [given.base, str(given.first), str(given.second)], given.pictures)


if __name__ == "__main__":
    main()

"""The recipe DiffusionCLIP (Kim et al. 2022): fine-tunes a checkpoint from a source text to a target text, into a LoRA."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from impasto.adapters.lora.export import save_lora
from impasto.checkpoints.load import load_components
from impasto.errors import UsageError
from impasto.settings import choose_device
from impasto.training.examples.training_set import encode_texts, encode_training_set, entries_of
from impasto.training.loop.loop import train
from impasto.training.loop.progress import Progress, ShouldStop, each_step, never, no_report
from impasto.training.loop.steps import Schedule
from impasto.training.methods.guiding.diffusionclip import DiffusionClipChoices, DiffusionClipTask
from impasto.training.recipes.pocket import write_report
from impasto.training.recipes.retraining import lora_of
from impasto.vision.scorers.interface import DifferentiableScorer, load_scorer


def train_diffusionclip(
    catalogue: Path,
    run: Path,
    source: str,
    target: str,
    choices: DiffusionClipChoices,
    *,
    checkpoint: str = "pocket",
    scorer: str | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Fine-tunes on pictures that are not held out; returns `run/lora`, which `--lora` accepts, as `run`.

    `run/report.json` has the directional similarity and the difference from the pictures, before and after.

    Raises:
        UsageError, MissingPart, ImpastoError: no such checkpoint or scorer, one without gradients, or no picture.
        KeyboardInterrupt: `should_stop` returned true; the state is on disk.
    """
    scores = load_scorer(scorer)
    if not isinstance(scores, DifferentiableScorer):
        raise UsageError(f"--scorer {scores.name} has no gradients")
    where = choose_device(device)
    components = load_components(checkpoint, device=where, dtype=torch.float32)
    entries = entries_of(catalogue)
    count = min(choices.pictures, len(entries))
    chosen = [entries[(2 * number + 1) * len(entries) // (2 * count)] for number in range(count)]
    data = encode_training_set(chosen, components, components.default_size, variants=1, on_progress=on_progress)
    states = encode_texts(data.all_texts, components, on_progress)
    texts = [texts[0] if texts else "" for texts in data.texts]
    latents = torch.from_numpy(np.stack([data.mean[number] for number in range(len(data.entries))]))
    task = DiffusionClipTask(
        components, latents, torch.from_numpy(states.states(texts)), scores, (source, target), choices, seed=seed,
        on_inverted=lambda done, of: on_progress("inverting pictures", done / of, {}),
    )  # fmt: skip
    before = task.figures()
    train(
        task, run, Schedule(minutes=minutes, steps=steps, warmup_steps=10), seed=seed, on_progress=each_step(on_progress),
        should_stop=should_stop, pictures=task.order.batch,
    )  # fmt: skip
    save_lora(run / "lora", lora_of(components, choices.lora_rank, run.name))
    report: dict[str, object] = {"choices": asdict(choices), "source": source, "target": target, "scorer": scores.name}
    write_report(run, {**report, "pictures": len(data.entries), "before": before, "after": task.figures()})
    return run / "lora"

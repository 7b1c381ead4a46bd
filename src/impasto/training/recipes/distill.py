"""The recipe of distillation: trains a few-step student of a checkpoint as a LoRA for the sampler `lcm`."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch

from impasto.adapters.lora.export import save_lora
from impasto.adapters.lora.files import Lora, hash_layers
from impasto.adapters.lora.low_rank import Layers, LowRank
from impasto.checkpoints.load import load_components
from impasto.files import write_atomically
from impasto.training.distributed.processes import Processes
from impasto.training.examples.shown_works import shown_works
from impasto.training.examples.training_set import encode_texts, encode_training_set, entries_of
from impasto.training.loop.optimizers import check_optimizer
from impasto.training.loop.progress import Progress, no_report
from impasto.training.methods.distillation import DistillationTask
from impasto.training.methods.distillation_choices import Distillation, check_steps
from impasto.training.recipes.pocket import write_report
from impasto.training.recipes.precision import settled
from impasto.training.recipes.retraining import fit, lora_of


def distill(
    catalogue: Path,
    run: Path,
    choices: Distillation,
    *,
    checkpoint: str = "pocket",
    steps: int = 4,
    minutes: float | None = None,
    updates: int | None = None,
    seed: int = 0,
    save_steps: int | None = None,
    on_progress: Progress = no_report,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Distils a checkpoint on the pictures that are not held out; returns `run/lora`.

    `--lora` accepts that folder, as it does `run`. It trains for `updates` of the weights, or for `minutes`, or else for
    `choices.epochs`. `steps`, 1 to 50, is the number of sampling steps with which the LoRA will paint; with `choices.leap` 0
    the student learns the levels of these steps only.

    Raises:
        UsageError: no such checkpoint, impossible choices, a run of another seed.
        MissingPart, ImpastoError: no picture, a checkpoint that is not whole, a loss that is no longer finite.
        KeyboardInterrupt: `should_stop` returned true; the state is on disk.
    """
    check_steps(steps)
    check_optimizer(choices.optimizer)
    choices = settled(choices)
    processes = Processes(choices.precision)
    components = load_components(checkpoint, device=processes.device, dtype=torch.float32)
    size = choices.size or components.default_size
    data = encode_training_set(entries_of(catalogue), components, size, on_progress=on_progress)
    states = encode_texts(data.all_texts, components, on_progress)
    works = shown_works(components, data.entries, seed, on_progress) if choices.works else None
    task = DistillationTask(components, data, states, choices, processes, seed=seed, steps=steps, works=works)
    fit(task, run, minutes, updates, save_steps=save_steps, on_progress=on_progress, should_stop=should_stop)
    if processes.is_first:
        made = lora_of(components, choices.lora_rank, run.name)
        lora = replace(_halved(made), steps=steps)
        save_lora(run / "lora", lora)
        write_atomically(run / "lora" / "README.md", card_of(lora, len(data.entries), choices).encode())
        # Written last: a run that has a report is complete.
        write_report(run, {"choices": asdict(choices), "steps": steps, "pictures": len(data.entries)})
    processes.wait()
    return run / "lora"


def card_of(lora: Lora, pictures: int, choices: Distillation) -> str:
    """Returns the student's model card: its base checkpoint and its training data."""
    license_line = f"license: {lora.license}\n" if lora.license else ""
    return (
        f"---\n{license_line}base_model: {lora.base_name}\ntags: [text-to-image, paintings, lora, latent-consistency]\n---\n"
        f"# {lora.name}\n\nA LoRA with which {lora.base_name} (content hash {lora.base_hash[:16]}) paints in {lora.steps} "
        f"steps without guidance (`--sampler lcm`).\nMade by `impasto train distill`: latent consistency distillation "
        f"(Luo et al. 2023) of the checkpoint's own\nanswers at guidance {choices.guidance:g}; rank {choices.lora_rank}, "
        f"layers: {choices.layers}.\n\n## What it saw\n{pictures} pictures of the catalogue, noised, and their texts.\n"
    )


def _halved(lora: Lora) -> Lora:
    """Returns the LoRA in fp16: the loss is far below the change of one update, and the file is half as large."""
    unet: Layers = {
        name: LowRank(layer.down.half(), layer.up.half(), layer.alpha)
        for name, layer in lora.unet.items()
        if isinstance(layer, LowRank)  # peft trains no other kind here
    }
    return replace(lora, unet=unet, content_hash=hash_layers(unet, lora.text_encoder))

"""The recipe of instructions: trains a checkpoint to change pictures as it is told (InstructPix2Pix, Brooks et al. 2023)."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from impasto.checkpoints.components import Components
from impasto.checkpoints.export.components import save_parts
from impasto.checkpoints.load import load_components
from impasto.data.caches.latents import TextStates
from impasto.errors import ImpastoError
from impasto.training.distributed.processes import Processes
from impasto.training.examples.instruct_pairs import InstructPairs, encode_pairs
from impasto.training.examples.instruct_validation import InstructValidation
from impasto.training.examples.training_set import encode_texts, entries_of
from impasto.training.loop.optimizers import check_optimizer
from impasto.training.loop.progress import Progress, no_report
from impasto.training.methods.instruct import InstructTask, seeing
from impasto.training.methods.instruct_choices import InstructChoices
from impasto.training.recipes.fitting import fit_averaged
from impasto.training.recipes.pocket import write_report
from impasto.training.recipes.retraining import writes_text_encoder

MADE = "checkpoint"  # the folder in the run
VALIDATED = 32  # held-out pairs whose loss is measured


def train_instruct(
    catalogue: Path,
    run: Path,
    choices: InstructChoices,
    *,
    checkpoint: str = "pocket",
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    save_steps: int | None = None,
    on_progress: Progress = no_report,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Trains on the pairs that are not held out; returns `run/checkpoint`, which `impasto instruct --checkpoint` accepts.

    It trains for `steps`, or for `minutes`, or else for `choices.epochs`. A checkpoint that follows instructions already is
    trained further.

    Raises:
        UsageError: no such checkpoint, or one for inpainting; impossible choices, a run of another seed.
        MissingPart, ImpastoError: no pair, a checkpoint that is not whole, a loss that is no longer finite.
        KeyboardInterrupt: `should_stop` returned true; the state is on disk.
    """
    check_optimizer(choices.optimizer)
    processes = Processes(choices.precision)
    components = load_components(checkpoint, device=processes.device, dtype=torch.float32, editing=True)
    joined = seeing(components)
    size = choices.size or components.default_size
    pairs = encode_pairs(entries_of(catalogue), components, size, on_progress=on_progress)
    states = encode_texts(pairs.edited.all_texts, components, on_progress)
    count = len(pairs.edited.entries)
    choices = replace(choices, batch=min(choices.batch, count))
    validation = _validation(catalogue, joined, run, choices, size, on_progress)
    task = InstructTask(joined, pairs, states, choices, processes, seed=seed)
    fit_averaged(
        task, run, choices, processes, minutes=minutes, steps=steps, seed=seed, validation=validation, save_steps=save_steps,
        on_progress=on_progress, should_stop=should_stop,
    )  # fmt: skip
    if processes.is_first:
        save_instruct(joined, components, run / MADE, count)
        write_report(run, {"choices": asdict(choices), "pairs": count, "checkpoint": components.name})
    processes.wait()
    return run / MADE


def save_instruct(joined: Components, base: Components, folder: Path, pairs: int) -> None:
    """Writes the checkpoint in diffusers' layout, for its `StableDiffusionInstructPix2PixPipeline`.

    The base's memory, its list of artists and its painting defaults are of paintings from text, and are left out. If the
    base has pocket's text encoder, so has the new one: `impasto checkpoints export` adds it for diffusers.
    """
    both: Any = joined.unet
    parts: dict[str, Any] = {"unet": both.unet, "vae": base.vae}
    encoder = writes_text_encoder(base, InstructChoices())
    if encoder:
        parts["text_encoder"] = base.text_encoder
    source = base.folder
    terms = source / "LICENSE" if source is not None else None
    save_parts(
        parts, folder, base.scheduler_config, [], card=_card(base, pairs), tokenizer=base.tokenizer if encoder else None,
        license_file=terms if terms is not None and terms.is_file() else None,
    )  # fmt: skip


def _card(base: Components, pairs: int) -> str:
    license_line = f"license: {base.license}\n" if base.license else ""
    return (
        f"---\n{license_line}base_model: {base.base_name}\ntags: [image-to-image, instruct-pix2pix, paintings]\n---\n"
        f"# {base.base_name}, trained on instructions\n\nMade by Impasto from the checkpoint {base.base_name} (content hash "
        f"{base.content_hash[:16]}) by the recipe of InstructPix2Pix (Brooks et al. 2023). Its U-Net takes the latents of a "
        f"picture beside those that it denoises: `impasto instruct PICTURE \"make it winter\"`.\n\n"
        f"## What it saw\nBeside what its base saw: {pairs} pairs of pictures, each with an instruction.\n"
    )


def _validation(
    catalogue: Path, joined: Components, run: Path, choices: InstructChoices, size: int, on_progress: Progress
) -> InstructValidation | None:
    try:
        entries = entries_of(catalogue, held_out=True)
        few = min(VALIDATED, len(entries))
        pairs: InstructPairs = encode_pairs([entries[len(entries) * n // few] for n in range(few)], joined, size)
    except ImpastoError:
        on_progress(f"skipped the validation: no pair in {catalogue} is held out", 1.0, {})
        return None
    states: TextStates = encode_texts(pairs.edited.all_texts, joined, on_progress)
    return InstructValidation(
        joined, run, every=choices.validation_every, pairs=pairs, states=states, pictures=choices.validation_pictures,
        size=size,
    )  # fmt: skip

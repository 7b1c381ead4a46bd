"""The recipe of a ControlNet: trains one for a checkpoint, on maps that are made from the catalogue's own pictures."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from impasto.adapters.control.nets import CARD
from impasto.checkpoints.components import Components
from impasto.checkpoints.control_files import FOLDER
from impasto.checkpoints.load import load_components
from impasto.errors import ImpastoError
from impasto.files import replace_folder, write_atomically
from impasto.training.distributed.processes import Processes
from impasto.training.examples.control_maps import ControlMaps, condition_name
from impasto.training.examples.control_validation import ControlValidation
from impasto.training.examples.training_set import encode_texts, encode_training_set, entries_of
from impasto.training.loop.optimizers import check_optimizer
from impasto.training.loop.progress import Progress, no_report
from impasto.training.methods.control import ControlTask, join
from impasto.training.methods.control_choices import ControlChoices
from impasto.training.recipes.fitting import fit_averaged
from impasto.training.recipes.pocket import write_report
from impasto.vision.control_maps.makers import MapMaker
from impasto.weights.int8 import save_int8

VALIDATED = 32  # held-out pictures whose loss is measured
HAND_DRAWN = ("scribble", "fake-scribble")  # the kinds of maps that redrawn edges stand for


def train_control(
    catalogue: Path,
    run: Path,
    maker: MapMaker,
    choices: ControlChoices,
    *,
    checkpoint: str = "pocket",
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    save_steps: int | None = None,
    on_progress: Progress = no_report,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Trains a ControlNet on the pictures that are not held out; returns `run/control`, which `--control` accepts.

    It trains for `steps`, or for `minutes`, or else for `choices.epochs`.

    Raises:
        UsageError: no such checkpoint or maker, impossible choices, a run of another seed.
        MissingPart, ImpastoError: no picture, a checkpoint that is not whole, a loss that is no longer finite.
        KeyboardInterrupt: `should_stop` returned true; the state is on disk.
    """
    check_optimizer(choices.optimizer)
    processes = Processes(choices.precision)
    components = load_components(checkpoint, device=processes.device, dtype=torch.float32)
    size = choices.size or components.default_size
    data = encode_training_set(entries_of(catalogue), components, size, on_progress=on_progress)
    maps = ControlMaps(data.entries, size, maker, on_progress)
    states = encode_texts(data.all_texts, components, on_progress)
    torch.manual_seed(seed)
    joined = join(components, choices)
    choices = replace(choices, batch=min(choices.batch, len(data.entries)))
    validation = _validation(catalogue, joined, run, maker, choices, size, on_progress)
    task = ControlTask(joined, data, states, maps, choices, processes, seed=seed, on_progress=on_progress)
    fit_averaged(
        task, run, choices, processes, minutes=minutes, steps=steps, seed=seed, validation=validation, save_steps=save_steps,
        on_progress=on_progress, should_stop=should_stop,
    )  # fmt: skip
    if processes.is_first:
        also = HAND_DRAWN if choices.redrawn else ()
        save_control(joined, components, run / FOLDER, condition_name(maker), also)
        report: dict[str, Any] = {"choices": asdict(choices), "condition": condition_name(maker)}
        write_report(run, {**report, "pictures": len(data.entries), "checkpoint": components.name})
    processes.wait()
    return run / FOLDER


def save_control(joined: Components, base: Components, folder: Path, condition: str, also: Sequence[str] = ()) -> None:
    """Writes the ControlNet in diffusers' layout, in int8, with only the weights that differ from the U-Net's.

    `control.json` names its condition, the kinds of maps it was `also` trained on, and the checkpoint whose U-Net has the
    rest.
    """
    both: Any = joined.unet
    net, own = both.net, both.unet.state_dict()
    apart = {
        name: value.detach().cpu()
        for name, value in net.state_dict().items()
        if name not in own or own[name].shape != value.shape or not torch.equal(own[name], value)
    }
    card = {
        "condition": condition, "also": list(also), "shares_unet": True, "base": base.name, "base_hash": base.content_hash,
        "license": base.license,
    }  # fmt: skip
    with replace_folder(folder) as made:
        save_int8(net, made, apart)
        write_atomically(made / CARD, json.dumps(card, indent=1).encode())


def _validation(
    catalogue: Path, joined: Components, run: Path, maker: MapMaker, choices: ControlChoices, size: int,
    on_progress: Progress,
) -> ControlValidation | None:  # fmt: skip
    try:
        entries = entries_of(catalogue, held_out=True)
        chosen = [entries[len(entries) * n // min(VALIDATED, len(entries))] for n in range(min(VALIDATED, len(entries)))]
        data = encode_training_set(chosen, joined, size, variants=1, on_progress=on_progress)
    except ImpastoError:
        on_progress(f"skipped the validation: no picture in {catalogue} is held out", 1.0, {})
        return None
    return ControlValidation(
        joined, run, every=choices.validation_every, data=data, states=encode_texts(data.all_texts, joined, on_progress),
        maps=ControlMaps(data.entries, size, maker, on_progress), pictures=choices.validation_pictures, size=size,
    )  # fmt: skip

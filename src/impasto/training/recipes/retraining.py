"""The recipe of retraining: fine-tunes a checkpoint or trains a LoRA on a catalogue, or on one artist of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from impasto.adapters.lora.export import save_lora
from impasto.adapters.lora.files import Lora, hash_layers
from impasto.adapters.lora.keys import parse_keys
from impasto.checkpoints.components import Components
from impasto.checkpoints.export.components import save_components
from impasto.checkpoints.load import load_components
from impasto.checkpoints.memory import PaintingMemory
from impasto.checkpoints.painting_defaults import DOMAIN
from impasto.errors import ImpastoError, UsageError
from impasto.language.text_encoders import untrained_like
from impasto.prompts.living import Life, life_of, life_of_columns
from impasto.settings import give_back_freed_memory
from impasto.training.distributed.processes import Processes
from impasto.training.examples.new_works import with_new_works
from impasto.training.examples.shown_works import shown_works
from impasto.training.examples.training_set import (
    TEXT_VARIANTS,
    UNCACHED_TEXT_VARIANTS,
    TrainingSet,
    encode_texts,
    encode_training_set,
    entries_of,
    lacking_texts,
    triggered,
)
from impasto.training.examples.validation import CheckpointValidation
from impasto.training.loop.figures import has_tensorboard
from impasto.training.loop.optimizers import check_optimizer
from impasto.training.loop.progress import Progress, no_report
from impasto.training.loop.state import load_best
from impasto.training.methods.fine_tuning import FineTuningTask
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes.fitting import fit_averaged
from impasto.training.recipes.held_out import held_out_validation
from impasto.training.recipes.pocket import write_report
from impasto.training.recipes.precision import settled


def retrain(
    catalogue: Path,
    run: Path,
    choices: FineTuning,
    *,
    checkpoint: str = "pocket",
    artist: str = "",
    trigger: str = "",
    consent: str = "",
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    save_steps: int | None = None,
    on_progress: Progress = no_report,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Retrains a checkpoint on the pictures that are not held out; returns the folder with the result.

    The folder is `run/checkpoint`, which `--checkpoint` accepts, as it does `run`; or, with `choices.lora_rank`, `run/lora`,
    which `--lora` accepts. It trains for `steps`, or for `minutes`, or else for `choices.epochs`. `trigger` is put before
    every text. `consent` says who agreed to the training, for the model card; living artists without it are reported.

    Raises:
        UsageError: no such artist or checkpoint, impossible choices, a run of another seed.
        MissingPart, ImpastoError: no picture, a checkpoint that is not whole, a loss that is no longer finite.
        KeyboardInterrupt: `should_stop` returned true; the state is on disk.
    """
    check_optimizer(choices.optimizer)
    choices = settled(choices)
    processes = Processes(choices.precision)
    components = load_components(checkpoint, device=processes.device, dtype=torch.float32)
    # Read here, so that a broken file is told at once.
    if components.painting_defaults.lacks_guide == DOMAIN and choices.domain_guidance and not choices.lora_rank:
        on_progress("lacking the guide of its base, whose own U-Net is taken for the original", 0.0, {})
    if choices.fresh_text_encoder:
        components.text_encoder = untrained_like(components.text_encoder, seed)
    entries = entries_of(catalogue, artist)
    encode = partial(
        encode_training_set, components=components, size=choices.size or components.default_size,
        variants=TEXT_VARIANTS if choices.trained == "unet" else UNCACHED_TEXT_VARIANTS,
        aspect_buckets=choices.aspect_buckets, on_progress=on_progress,
    )  # fmt: skip
    if processes.count > 1:  # each encodes its share, and reads the shares of the others from the cache
        share = entries[processes.rank :: processes.count]
        if share:
            encode(share)
        processes.wait()
    data = encode(entries)
    data = triggered(data, trigger)
    lacking = lacking_texts(data)
    if choices.trained != "unet" and not any(any(texts) for texts in data.texts):
        raise ImpastoError(f"{catalogue}: a text encoder learns from {lacking}")
    living = living_artists(data)
    if living and not consent:
        names = ", ".join(living)
        on_progress(f"lacking the consent of {names}, dated as living: --consent records who gave it", 0.0, {})
    if lacking:
        on_progress(f"lacking {lacking}", 0.0, {})
    states = encode_texts(data.all_texts, components, on_progress) if choices.trained == "unet" else None
    choices = replace(choices, batch=_batch(choices, len(data.entries), processes))
    validation = held_out_validation(
        catalogue, artist, components, run, choices, trigger=trigger, on_progress=on_progress
    )
    memory = None
    if choices.works and not choices.lora_rank:
        if not processes.is_first:
            processes.wait()  # the others read from the cache what the first has computed
        memory = with_new_works(components, data, on_progress)
        if processes.is_first:
            processes.wait()
        components.memory = memory or components.memory
    works = shown_works(components, data.entries, seed, on_progress) if choices.works else None
    task = FineTuningTask(components, data, states, choices, processes, seed=seed, works=works)
    kept = fit(
        task, run, minutes, steps, validation=validation, save_steps=save_steps, on_progress=on_progress,
        should_stop=should_stop,
    )  # fmt: skip
    report: dict[str, Any] = {"pictures": len({entry.file_name for entry in data.entries}), "artist": artist}
    report |= {"living": list(living)} if living else {}
    report |= {"consent": consent} if consent else {}
    return save_result(
        task, run, report if kept is None else {**report, "best_step": kept}, trigger, consent,
        keeps_original=choices.domain_guidance, memory=memory,
    )  # fmt: skip


def fit(
    task: FineTuningTask,
    run: Path,
    minutes: float | None,
    steps: int | None,
    *,
    validation: CheckpointValidation | None = None,
    save_steps: int | None = None,
    on_progress: Progress = no_report,
    should_stop: Callable[[], bool] = lambda: False,
) -> int | None:
    """Trains the task for `steps`, or for `minutes`, or else for its `choices.epochs`.

    Afterwards the task holds the averaged weights, if they are averaged. With `choices.keep_best` it holds the weights of
    the lowest validation loss, and the function returns their step.

    Raises:
        UsageError: `choices.keep_best` is set, and there is no validation loss.
        KeyboardInterrupt, ImpastoError, UsageError: as `train`.
    """
    choices, processes = task.choices, task.processes
    if choices.keep_best and (validation is None or validation.data is None):
        raise UsageError("keep_best needs a validation loss, and no picture is held out: leave it out")
    rest_encoders(task, paints=validation is not None and bool(validation.prompts))
    shows = has_tensorboard()
    if not shows and processes.is_first:
        on_progress("skipped TensorBoard's files: pip install 'impasto[training]' for them", 0.0, {})
    fit_averaged(
        task, run, choices, processes, minutes=minutes, steps=steps, seed=task.seed, validation=validation,
        save_steps=save_steps, tensorboard=shows, on_progress=on_progress, should_stop=should_stop,
    )  # fmt: skip
    if not choices.keep_best:
        return None
    best = load_best(run)
    if best is None:
        on_progress("skipped best.pt, which cannot be read: the last weights are kept", 1.0, {})
        return None
    for name, model in task.models.items():
        model.load_state_dict(best["models"][name])
    return int(best["step"])


def rest_encoders(task: FineTuningTask, *, paints: bool) -> None:
    """Frees the memory of the encoders that are no longer needed: the VAE, and the text encoder if its states are cached.

    They are kept on the CPU in fp16, from where a checkpoint is written and from where the VAE is loaded when validation
    pictures are painted (`paints`). For a LoRA they are removed, except the VAE with `paints`.
    """
    components = task.components
    for module in (components.vae, *([components.text_encoder] if task.states is not None else ())):
        if task.choices.lora_rank and not (paints and module is components.vae):
            nn.Module.to(module, "meta")
        else:
            nn.Module.to(module, "cpu", torch.float16)
    give_back_freed_memory()  # otherwise it stays in gaps that activations do not fit into


def save_result(
    task: FineTuningTask, run: Path, report: dict[str, Any], trigger: str = "", consent: str = "", *,
    keeps_original: bool = False, memory: PaintingMemory | None = None,
) -> Path:
    """Writes `run/lora` if the task trained one, else `run/checkpoint`, and then the report; returns that folder.

    Args:
        trigger: the trigger words of the LoRA.
        consent: who agreed to the training.
        keeps_original: whether the U-Net before the training is kept as guide, for Domain Guidance; not if a text encoder
            was trained.
        memory: in place of that checkpoint's.
    """
    components, choices, processes = task.components, task.choices, task.processes
    if processes.is_first:
        if choices.lora_rank:
            lora = lora_of(components, choices.lora_rank, run.name)
            save_lora(run / "lora", replace(lora, trigger=trigger, consent=consent))
        else:
            _with_artists(components, task.data)
            with_encoder = writes_text_encoder(components, choices)
            card = card_of(components, task.data, consent, memory)
            save_components(
                components, run / "checkpoint", card, text_encoder=with_encoder,
                keeps_original=keeps_original and choices.trained == "unet", memory=memory,
            )  # fmt: skip
        # Written last: a run that has a report is complete.
        write_report(run, {"choices": asdict(choices), "processes": processes.count, **report})
    processes.wait()
    return run / ("lora" if choices.lora_rank else "checkpoint")


def writes_text_encoder(components: Components, choices: FineTuning) -> bool:
    """Returns whether the text encoder is written into the new checkpoint: not if it is the unchanged MiniLM."""
    by_minilm = components.folder is not None and not (components.folder / "text_encoder").is_dir()
    return choices.trained != "unet" or not by_minilm


def lora_of(components: Components, alpha: float, name: str) -> Lora:
    """Returns the LoRA that peft has added to the U-Net's layers, with the checkpoint it was trained on."""
    from peft import get_peft_model_state_dict

    weights = {f"unet.{key}": value.detach() for key, value in get_peft_model_state_dict(components.unet).items()}
    unet, text_encoder = parse_keys(weights, {"unet.lora_alpha": alpha})
    return Lora(
        name, unet, text_encoder, hash_layers(unet, text_encoder), base_name=components.name,
        base_hash=components.content_hash, license=components.license,
    )  # fmt: skip


def _batch(choices: FineTuning, pictures: int, processes: Processes) -> int:
    """Returns the batch size, or less if there are fewer pictures, still in equal parts."""
    part = processes.count * choices.accumulation
    return choices.batch if pictures >= choices.batch else max(part, pictures // part * part)


def _with_artists(components: Components, data: TrainingSet) -> None:
    """Adds the artists of the training set to the checkpoint's list of artists."""
    if not components.artists:
        return
    known = {row["name"] for row in components.artists}
    counts = Counter(entry.artist for entry in data.entries if entry.artist and entry.artist not in known)
    lives = _lives(data)
    for name, works in counts.items():
        life = lives.get(name, Life())
        years = {key: year for key, year in (("born", life.born), ("died", life.died)) if year is not None}
        components.artists.append({"name": name, "works": works, **years})


def living_artists(data: TrainingSet) -> dict[str, Life]:
    """Returns the artists of the training set whom the catalogue or the handbook dates as living, with their dates."""
    return {name: life for name, life in _lives(data).items() if life.is_living()}


def _lives(data: TrainingSet) -> dict[str, Life]:
    """Returns the dates of the artists: those in the catalogue's columns, else the handbook's."""
    lives: dict[str, Life] = {}
    for entry in data.entries:
        if entry.artist and not lives.get(entry.artist):
            lives[entry.artist] = life_of_columns(entry.extra)
    return {name: life or life_of(name) for name, life in lives.items()}


def card_of(
    components: Components, data: TrainingSet, consent: str = "", memory: PaintingMemory | None = None
) -> str:
    """Returns the model card: the base checkpoint, the training data, who consented to their use, and the new memory."""
    living = living_artists(data)
    said = ""
    if living or consent:
        names = ", ".join(f"{name} (born {life.born})" for name, life in living.items())
        said = f"\n## Consent\n{consent or 'None is recorded.'}{f' Dated as living: {names}.' if living else ''}\n"
    remembered = ""
    if memory is not None:
        remembered = f"Its memory holds {len(memory.works)} works: those of its base, and these pictures.\n"
    checkpoint = components.base_name
    license_line = f"license: {components.license}\n" if components.license else ""
    names = {entry.artist for entry in data.entries}
    whom = f"{len(names)} artists" if len(names) > 1 else next(iter(names)) or "artists without a name"
    return (
        f"---\n{license_line}base_model: {checkpoint}\ntags: [text-to-image, paintings]\n---\n"
        f"# {checkpoint}, retrained\n\nMade by Impasto from the checkpoint {checkpoint} (content hash "
        f"{components.content_hash[:16]}).\n\n"
        f"## What it saw\nBeside what its base saw: {len(data.entries)} pictures by {whom}.\n{remembered}{said}"
    )

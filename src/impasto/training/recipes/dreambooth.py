"""DreamBooth: from a folder of a subject's pictures to a run's folder with a checkpoint or a LoRA in it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from impasto.checkpoints.load import load_components
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.errors import ImpastoError, UsageError
from impasto.training.distributed.processes import Processes
from impasto.training.examples.training_set import encode_texts, encode_training_set
from impasto.training.loop.optimizers import check_optimizer
from impasto.training.loop.progress import Progress, no_report
from impasto.training.methods.dreambooth import PairedOrder, prior_importance, subject_entries
from impasto.training.methods.fine_tuning import FineTuningTask
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.methods.learned_words import TEMPLATE, filled
from impasto.training.recipes.held_out import pictures_only
from impasto.training.recipes.retraining import fit, save_result

# Paints the pictures of a text that are not there yet, and returns all of them.
PaintClass = Callable[[str], Sequence[Path]]


def dreambooth(
    subject: Path,
    run: Path,
    choices: FineTuning,
    *,
    token: str,
    class_words: str = "",
    paint_class: PaintClass | None = None,
    prior_weight: float = 1.0,
    template: str = TEMPLATE,
    checkpoint: str = "pocket",
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    save_steps: int | None = None,
    on_progress: Progress = no_report,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Teaches a checkpoint that `token` is what the pictures in `subject` show; returns `run/checkpoint`, or `run/lora` with
    `choices.lora_rank`.

    Args:
        choices: `batch` is the subject's pictures a step; as many of the class come beside them.
        token: the words for the subject in a prompt, such as "sks dog".
        class_words: what kind of thing it is, such as "a dog"; "" for no prior preservation.
        paint_class: gives the pictures of the class, painted by the checkpoint itself, for the text it is given.
        prior_weight: of the class's loss; 0 for no prior preservation.
        template: the text of all pictures, with {} where the words belong.
        minutes, steps: how long to train; if neither is given, for `choices.epochs` of the subject's pictures.

    Raises:
        UsageError: no token, an impossible weight or choice, a run of another seed, no such checkpoint.
        ImpastoError: no picture, a checkpoint that is not whole, a loss that is no number any more.
        KeyboardInterrupt: `should_stop` said so; the state is on disk.
    """
    text = filled(template, token, "--token")
    class_text = filled(template, class_words, "--class") if class_words else ""
    if not 0 <= prior_weight < math.inf:
        raise UsageError(f"prior weight {prior_weight:g}: use 0 or more")
    check_optimizer(choices.optimizer)
    processes = Processes(choices.precision)
    entries = subject_entries(subject)
    files = _painted(class_text, paint_class, processes) if class_text and prior_weight and paint_class else ()
    of_class = [CatalogueEntry(file, f"{file.parent.name}/{file.name}") for file in files]
    components = load_components(checkpoint, device=processes.device, dtype=torch.float32)
    size = choices.size or components.default_size
    data = encode_training_set([*entries, *of_class], components, size, on_progress=on_progress)
    painted = set(files)
    classes = [number for number, entry in enumerate(data.entries) if entry.file in painted]
    subjects = [number for number, entry in enumerate(data.entries) if entry.file not in painted]
    if not subjects:
        raise ImpastoError(f"{subject} holds no picture that can be opened")
    data = replace(data, texts=[[class_text if entry.file in painted else text] for entry in data.entries])
    states = encode_texts(data.all_texts, components, on_progress) if choices.trained == "unet" else None
    order = importance = None
    if classes:
        order = PairedOrder(subjects, classes, choices.batch, seed)
        importance = prior_importance(len(data.entries), classes, prior_weight)
        choices = replace(choices, batch=2 * choices.batch)
    task = FineTuningTask(
        components, data, states, choices, processes, seed=seed, order=order, importance=importance
    )
    fit(
        task, run, minutes, steps, validation=pictures_only(components, run, choices, [text], states),
        save_steps=save_steps, on_progress=on_progress, should_stop=should_stop,
    )  # fmt: skip
    report = {"pictures": len(subjects), "token": token, "class": class_words, "class_pictures": len(classes)}
    return save_result(task, run, report, token)


def _painted(text: str, paint_class: PaintClass, processes: Processes) -> Sequence[Path]:
    """The class's pictures: the first process paints them, the others find them there."""
    files = paint_class(text) if processes.is_first else ()
    processes.wait()
    return files or paint_class(text)

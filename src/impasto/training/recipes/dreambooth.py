"""The recipe of DreamBooth: trains a checkpoint or a LoRA on a folder of pictures of one subject."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from impasto.checkpoints.load import load_components
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.errors import ImpastoError, UsageError
from impasto.training.distributed.processes import Processes
from impasto.training.examples.shown_works import shown_works
from impasto.training.examples.training_set import encode_texts, encode_training_set
from impasto.training.loop.optimizers import check_optimizer
from impasto.training.loop.progress import Progress, no_report
from impasto.training.methods.dreambooth import PairedOrder, prior_importance, subject_entries
from impasto.training.methods.fine_tuning import FineTuningTask
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.methods.learned_words import TEMPLATE, filled
from impasto.training.recipes.held_out import pictures_only
from impasto.training.recipes.precision import settled
from impasto.training.recipes.retraining import fit, save_result

# Paints the missing pictures of a text, and returns the files of all its pictures.
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
    """Trains a checkpoint to paint what the pictures in `subject` show when the prompt contains `token`.

    It returns `run/checkpoint`, or `run/lora` with `choices.lora_rank`.

    Args:
        choices: `batch` is the number of the subject's pictures per step; as many of the class are added.
        token: the words for the subject in a prompt, such as "sks dog".
        class_words: what kind of thing it is, such as "a dog"; "" for no prior preservation.
        paint_class: is called with the class's text; returns pictures of the class, painted by the checkpoint itself.
        prior_weight: the weight of the class's loss; 0 for no prior preservation.
        template: the text of all pictures, with {} where the words belong.
        minutes, steps: how long to train; if neither is given, for `choices.epochs` of the subject's pictures.

    Raises:
        UsageError: no token, an impossible weight or choice, a run of another seed, no such checkpoint.
        ImpastoError: no picture, a checkpoint that is not whole, a loss that is no longer finite.
        KeyboardInterrupt: `should_stop` returned true; the state is on disk.
    """
    text = filled(template, token, "--token")
    class_text = filled(template, class_words, "--class") if class_words else ""
    if not 0 <= prior_weight < math.inf:
        raise UsageError(f"prior weight {prior_weight:g}: use 0 or more")
    check_optimizer(choices.optimizer)
    choices = settled(choices)
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
    entitled = [replace(entry, caption=texts[0], artist="") for entry, texts in zip(data.entries, data.texts, strict=True)]
    works = shown_works(components, entitled, seed, on_progress) if choices.works else None
    task = FineTuningTask(
        components, data, states, choices, processes, seed=seed, order=order, importance=importance, works=works
    )
    fit(
        task, run, minutes, steps, validation=pictures_only(components, run, choices, [text], states),
        save_steps=save_steps, on_progress=on_progress, should_stop=should_stop,
    )  # fmt: skip
    report = {"pictures": len(subjects), "token": token, "class": class_words, "class_pictures": len(classes)}
    return save_result(task, run, report, token)


def _painted(text: str, paint_class: PaintClass, processes: Processes) -> Sequence[Path]:
    """Returns the class's pictures: the first process paints them, the others use the painted files."""
    files = paint_class(text) if processes.is_first else ()
    processes.wait()
    return files or paint_class(text)

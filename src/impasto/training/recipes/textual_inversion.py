"""The recipe of textual inversion: trains a new word on a folder of pictures."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch

from impasto.adapters.textual_inversion import EMBEDDINGS, save_concept
from impasto.checkpoints.load import load_components
from impasto.data.catalogue.read import read_catalogue
from impasto.training.distributed.processes import Processes
from impasto.training.examples.training_set import encode_training_set
from impasto.training.loop.optimizers import check_optimizer
from impasto.training.loop.progress import Progress, no_report
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.methods.textual_inversion import TextualInversionTask, begin_concept, concept_texts, learned_concept
from impasto.training.recipes.held_out import pictures_only
from impasto.training.recipes.personal import ConceptKind
from impasto.training.recipes.pocket import write_report
from impasto.training.recipes.precision import settled
from impasto.training.recipes.retraining import fit


def invert(
    pictures: Path,
    run: Path,
    choices: FineTuning,
    *,
    concept: str,
    initial_word: str = "painting",
    vectors: int = 1,
    kind: ConceptKind = "object",
    checkpoint: str = "pocket",
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    save_steps: int | None = None,
    on_progress: Progress = no_report,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Trains the word `concept` for what the pictures have in common; returns `run/concept`, which `--concept` accepts.

    Args:
        pictures: any catalogue; all its pictures are used, and none of its texts.
        initial_word: gives the vectors' initial value: its vector, or their mean if it has several tokens.
        vectors: the number of tokens of the new word.
        kind: whether the word is for a thing or for a style.
        minutes, steps: how long to train; if neither is given, for `choices.epochs`.

    Raises:
        UsageError: a name that cannot be a new word, no such initial word, impossible choices, a run of another seed.
        ImpastoError: no picture, a checkpoint that is not whole, a loss that is no longer finite.
        KeyboardInterrupt: `should_stop` returned true; the state is on disk.
    """
    entries = read_catalogue(pictures, check_images=False).entries
    check_optimizer(choices.optimizer)
    choices = settled(choices)
    processes = Processes(choices.precision)
    loaded = load_components(checkpoint, device=processes.device, dtype=torch.float32)
    components, begun_with = begin_concept(loaded, concept, initial_word, vectors)
    if len(begun_with) > 1:
        on_progress(f"begun with the mean of {len(begun_with)} tokens: {' '.join(begun_with)}", 0.0, {})
    size = choices.size or components.default_size
    data = encode_training_set(entries, components, size, on_progress=on_progress)
    data = replace(data, texts=[concept_texts(components, kind) for _ in data.entries])
    task = TextualInversionTask(components, data, None, choices, processes, seed=seed)
    validation = pictures_only(components, run, choices, concept_texts(components, kind), None)
    fit(
        task, run, minutes, steps, validation=validation, save_steps=save_steps, on_progress=on_progress,
        should_stop=should_stop,
    )  # fmt: skip
    if processes.is_first:
        learned = learned_concept(components)
        (run / "concept").mkdir(exist_ok=True)
        save_concept(run / "concept" / EMBEDDINGS, learned)
        norms = [round(norm, 4) for norm in learned.vectors.norm(dim=1).tolist()]
        # Written last: a run that has a report is complete.
        write_report(run, {
            "choices": asdict(choices), "pictures": len(data.entries), "concept": concept, "kind": kind,
            "begun_with": begun_with, "norms": norms, "bound": round(task.learned.bound, 4),
        })  # fmt: skip
    processes.wait()
    return run / "concept"

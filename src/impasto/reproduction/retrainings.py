"""The retrainings of a reproduction: runs of the papers' recipes, each in a folder of its own that goes on after a kill."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from impasto.errors import UsageError
from impasto.reproduction.workspace import OnProgress
from impasto.training.loop.figures import LOSSES
from impasto.training.loop.loop import VALIDATION
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.runs.folder import RunFolder

# Of a complete checkpoint's bytes: states with optimizer and averages in fp32, an old one beside the new, the best weights.
_BYTES_PER_RUN = 24


@dataclass(frozen=True)
class Retraining:
    """What is trained: a recipe's choices on a catalogue, or on one artist of it ("" for all)."""

    recipe: str
    choices: FineTuning
    catalogue: Path
    checkpoint: str
    artist: str = ""
    minutes: float | None = None
    seed: int = 0


def as_asked(choices: FineTuning, precision: str, validation_every: int = 0) -> FineTuning:
    """The recipe's choices without pictures painted meanwhile, in this precision where one is named.

    Raises:
        UsageError: there is no such precision.
    """
    return replace(
        choices, validation_pictures=0, validation_every=validation_every, precision=precision or choices.precision
    )


def check_minutes(minutes: float | None) -> None:
    """Raises UsageError where nothing can be trained in so many minutes."""
    if minutes is not None and not 0 < minutes <= 1_000_000:
        raise UsageError(f"minutes {minutes:g}: use more than 0")


def fixed_name(checkpoint: str) -> str:
    """A checkpoint's name that means the same in every folder: paths from the root, other names as they are."""
    path = Path(checkpoint).expanduser()
    return str(path.absolute()) if os.sep in checkpoint and path.exists() else checkpoint


def disk_space(checkpoint_bytes: int, runs: int, paintings: int, side: int) -> int:
    """About how many bytes so many runs and paintings take."""
    return runs * _BYTES_PER_RUN * checkpoint_bytes + paintings * 3 * side**2


def progress_for(who: str, number: int, count: int, tell: OnProgress) -> OnProgress:
    """What training number `number` of `count`, from 0, calls: `tell` hears whose it is, and the share of all of them."""

    def each(stage: str, share: float, figures: dict[str, float]) -> None:
        named = stage if stage.startswith(("skipped ", "lacking ")) else f"{who}, {stage}"
        tell(named, (number + share) / count, figures)

    return each


def retrained(what: Retraining, folder: Path, on_progress: OnProgress) -> Path:
    """The run's folder, trained to its end; `--checkpoint` takes it.

    Raises:
        UsageError: the folder holds a run of something else, or another process trains in it.
        MissingPart, ImpastoError: as `retrain`.
        KeyboardInterrupt: it was asked to stop; its state is on disk.
    """
    choices = {
        "catalogue": what.catalogue, "artist": what.artist, "checkpoint": fixed_name(what.checkpoint),
        "minutes": what.minutes,
    }  # fmt: skip
    own = {name: getattr(what.choices, name) for name in FineTuning.__dataclass_fields__}
    with RunFolder(folder).begin(what.recipe, (), {**choices, **own}, what.seed) as run:
        if not run.is_complete:
            from impasto.training.recipes.retraining import retrain

            retrain(
                what.catalogue, run.path, what.choices, checkpoint=what.checkpoint, artist=what.artist,
                minutes=what.minutes, seed=what.seed, on_progress=on_progress, should_stop=run.should_stop,
            )  # fmt: skip
    return folder


def held_out_loss(
    catalogue: Path, checkpoint: str, choices: FineTuning, folder: Path, on_progress: OnProgress
) -> float | None:
    """The checkpoint's own loss on the held-out pictures that a run of these choices is validated on; None without any.

    Raises:
        UsageError, MissingPart, ImpastoError: as `load_components` and `held_out_validation`.
    """
    import torch

    from impasto.checkpoints.load import load_components
    from impasto.settings import choose_device
    from impasto.training.recipes.held_out import held_out_validation

    components = load_components(checkpoint, device=choose_device(), dtype=torch.float32)
    validation = held_out_validation(catalogue, "", components, folder, choices, on_progress=on_progress)
    return None if validation is None else validation(0)[0].get(VALIDATION)


@dataclass(frozen=True)
class TrainingFacts:
    """How a run went, as far as it tells: steps, seconds of training, and (step, validation loss) in their order."""

    steps: int = 0
    seconds: float = 0.0
    validation: tuple[tuple[int, float], ...] = ()


def training_facts(run: Path) -> TrainingFacts:
    """From a run's `losses.jsonl`; nothing where there is none."""
    try:
        lines = (run / LOSSES).read_text("utf-8").splitlines()
    except OSError:
        return TrainingFacts()
    steps, seconds, validation = 0, 0.0, []
    for line in lines:
        try:
            row = json.loads(line)
            steps, seconds = int(row["step"]), float(row["seconds"])
        except (ValueError, KeyError, TypeError):
            continue
        if VALIDATION in row:
            validation.append((steps, float(row[VALIDATION])))
    return TrainingFacts(steps, seconds, tuple(validation))

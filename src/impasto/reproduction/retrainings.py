"""The retrainings of a reproduction: runs of the papers' recipes, each in its own folder and resumable after a kill."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from impasto.errors import ImpastoError, UsageError
from impasto.reproduction.workspace import OnProgress
from impasto.spreading import Spread, Unit, results, unit_key
from impasto.training.loop.figures import LOSSES
from impasto.training.loop.loop import VALIDATION
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.runs.folder import RunFolder

# Factor on a complete checkpoint's bytes: training states with optimizer and averages in fp32, an old state beside the new
# one, and the best weights.
_BYTES_PER_RUN = 24


@dataclass(frozen=True)
class Retraining:
    """One training: a recipe's options on a catalogue, or on one artist of it ("" for all)."""

    recipe: str
    choices: FineTuning
    catalogue: Path
    checkpoint: str
    artist: str = ""
    minutes: float | None = None
    seed: int = 0


def as_asked(choices: FineTuning, precision: str, validation_every: int = 0) -> FineTuning:
    """Returns the recipe's options without validation pictures, and with `precision` unless it is "".

    `auto` becomes this machine's precision.

    Raises:
        UsageError: there is no such precision.
    """
    from impasto.training.recipes.precision import settled

    asked = replace(
        choices, validation_pictures=0, validation_every=validation_every, precision=precision or choices.precision
    )
    return settled(asked)


def check_minutes(minutes: float | None) -> None:
    """Raises UsageError if the number of minutes is invalid."""
    if minutes is not None and not 0 < minutes <= 1_000_000:
        limit = "at most 1000000" if minutes > 0 else "more than 0"
        raise UsageError(f"minutes {minutes:g}: use {limit}")


def fixed_name(checkpoint: str) -> str:
    """Returns a checkpoint's name that is valid from every folder: paths become absolute, other names stay unchanged."""
    path = Path(checkpoint).expanduser()
    return str(path.absolute()) if os.sep in checkpoint and path.exists() else checkpoint


def disk_space(checkpoint_bytes: int, runs: int, paintings: int, side: int) -> int:
    """Returns about how many bytes this number of runs and paintings takes."""
    return runs * _BYTES_PER_RUN * checkpoint_bytes + paintings * 3 * side**2


def progress_for(who: str, number: int, count: int, tell: OnProgress) -> OnProgress:
    """Returns the progress callback of training number `number` (from 0) of `count`.

    It calls `tell` with the name `who` before the stage, and with the share of all trainings.
    """

    def each(stage: str, share: float, figures: dict[str, float]) -> None:
        named = stage if stage.startswith(("skipped ", "lacking ")) else f"{who}, {stage}"
        tell(named, (number + share) / count, figures)

    return each


def retrained(what: Retraining, folder: Path, on_progress: OnProgress) -> Path:
    """Trains to the end, or resumes, and returns the run's folder, which `--checkpoint` accepts.

    Raises:
        UsageError: the folder holds a run with other settings, or another process trains in it.
        MissingPart, ImpastoError: the same as `retrain`.
        KeyboardInterrupt: the training was stopped; its state is on disk.
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


@dataclass(frozen=True)
class RetrainingWork:
    """Retrains. A payload is a `Retraining` and the run's folder, which driver and workers share; a result says nothing.

    Attributes:
        on_gpu: whether each training gets a GPU.
    """

    on_gpu: bool = False
    name = "trainings"

    @property
    def gpus(self) -> float:
        """1 on a GPU."""
        return float(self.on_gpu)

    def do(self, payload: tuple[Retraining, Path], halvings: int) -> bytes:
        """Trains to the end, or goes on.

        Raises:
            UsageError, MissingPart, ImpastoError: as `retrained`, or it was stopped, or memory is too small.
        """
        if halvings:
            raise ImpastoError("out of memory: give a smaller checkpoint, or workers with more memory")
        try:
            retrained(*payload, lambda stage, share, figures: None)
        except KeyboardInterrupt:
            raise ImpastoError(f"{payload[1]}: the training was stopped") from None
        return b""

    def stop(self, payload: tuple[Retraining, Path]) -> None:
        """Asks a training in work to write its state and end after its present step."""
        folder = RunFolder(payload[1])
        if folder.is_running:
            folder.request_stop()


def retrain_side_by_side(wanted: Sequence[tuple[Retraining, Path]], spread: Spread, tell: OnProgress) -> None:
    """Has the workers of `spread` train all of `wanted`, each in its folder; a run that is complete stays as it is.

    Raises:
        UsageError, MissingPart, ImpastoError: the first training that failed, when the others have ended.
        KeyboardInterrupt: it was stopped; the states are on disk.
    """
    from impasto.settings import choose_device

    units = [Unit(n, unit_key(str(folder.absolute())), (what, folder.absolute())) for n, (what, folder) in enumerate(wanted)]
    failed, done = None, 0
    work = RetrainingWork(choose_device().type == "cuda")
    tell(f"0 of {len(units)} retrainings", 0.0, {})
    with results(spread, work, units, rows=len(units), in_order=False) as found:
        for one in found:
            failed = failed or one.error
            done += 1
            tell(f"{done} of {len(units)} retrainings", done / len(units), {})
    if failed is not None:
        raise failed


def held_out_loss(
    catalogue: Path, checkpoint: str, choices: FineTuning, folder: Path, on_progress: OnProgress
) -> float | None:
    """Returns the checkpoint's loss on the held-out pictures that a run with these options uses for validation.

    Returns None if there are no such pictures.

    Raises:
        UsageError, MissingPart, ImpastoError: the same as `load_components` and `held_out_validation`.
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
    """The statistics of a run: steps, seconds of training, and (step, validation loss) in order."""

    steps: int = 0
    seconds: float = 0.0
    validation: tuple[tuple[int, float], ...] = ()


def training_facts(run: Path) -> TrainingFacts:
    """Reads the statistics from a run's `losses.jsonl`; they are empty if there is no such file."""
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

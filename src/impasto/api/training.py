"""Python API of training: runs a recipe by its name."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from impasto.api.session import OnEvent, ShouldStop, as_path, run_job
from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.jobs.training.run import Trained

Recipe = Literal[
    "wang2023-artist",
    "wu2022-text-encoder",
    "wu2022-joint",
    "lora",
    "dreambooth",
    "textual-inversion",
    "control",
    "instruct",
    "classifier",
    "diffusionclip",
    "distill",
    "prompt-model",
    "pocket",
    "pocket-autoencoder",
    "pocket-denoiser",
    "pocket-decoder",
    "pocket-scorer",
    "pocket-tagger",
    "pocket-captioner",
    "pocket-upscaler",
]


@overload
def train(
    recipe: Recipe,
    *,
    run: str | Path | None = None,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
    **options: Any,
) -> "Trained": ...


@overload
def train(
    recipe: Literal["wang2023-masters"],
    *,
    run: str | Path | None = None,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
    **options: Any,
) -> "list[Trained]": ...


def train(
    recipe: str,
    *,
    run: str | Path | None = None,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
    **options: Any,
) -> "Trained | list[Trained]":
    """Trains with a recipe in a run folder. After a stop, calling it again with the same options resumes.

    Args:
        recipe: the recipe's name, as in `impasto train`.
        run: the run's folder; None for `runs/<recipe>`.
        on_event: called with `Progress` events that contain a step's losses; if not given, notes go to the logger
            `impasto`.
        should_stop: called after every step; True writes the state and ends the training with `StoppedError`.
        options: the fields of the recipe's job (`impasto.jobs.job_class("train/lora").model_fields`): those of
            `impasto train RECIPE --help` with underscores.

    Returns:
        The run's folder, and the folder with the result (None if the run was already complete). The run's folder can be
        used as a checkpoint, or as a LoRA.

    Raises:
        UsageError, MissingPart, ImpastoError: there is no such recipe or option, or the training failed; the message is one
            sentence.
        StoppedError: the training was stopped; its state is kept.
    """
    from impasto.jobs import HOMES, job_class

    kind = f"train/{recipe}"
    if kind not in HOMES:
        known = ", ".join(name.removeprefix("train/") for name in HOMES if name.startswith("train/"))
        raise UsageError(f"there is no recipe {recipe!r}: use {known}")
    job = job_class(kind)(out=None if run is None else as_path("run", run), **options)
    return run_job(job, on_event, should_stop)

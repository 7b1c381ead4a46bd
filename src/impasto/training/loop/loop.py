"""The training loop of all recipes: it can be killed at any instruction and resumes with the losses it would have had.

All randomness of a step follows from the run's seed and the step's number (`steps.seed_step`), and so does its place in the
data (`steps.ShuffledOrder`). So a state holds only weights, optimizers and averages; no generator needs to be saved.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch.optim.swa_utils import AveragedModel

from impasto.errors import ImpastoError, UsageError
from impasto.training.loop.ema import EMA, half_life_average, warmed_average
from impasto.training.loop.evaluation_weights import evaluation_weights
from impasto.training.loop.figures import LEARNING_RATE, PICTURES_PER_SECOND, FigureLog
from impasto.training.loop.optimizers import learning_rate_of
from impasto.training.loop.state import load_newest_state, save_best, save_state
from impasto.training.loop.steps import Schedule, seed_step

if TYPE_CHECKING:
    from PIL import Image

    from impasto.training.distributed.processes import Processes


class Task(Protocol):
    """Interface of what is trained. `step` runs forward, backward and the optimizers, and returns the losses to log."""

    models: dict[str, torch.nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]
    averaged: Sequence[str]  # names of the models whose weights are averaged (EMA)

    def step(self, step: int, progress: float) -> dict[str, float]: ...


class Validation(Protocol):
    """Interface of a periodic validation. It must not depend on torch's generators, nor leave anything changed.

    Attributes:
        every: steps from one validation to the next; 0 validates only at the end.
    """

    every: int

    def __call__(self, step: int) -> "tuple[dict[str, float], Image.Image | None]":
        """Returns the metrics after `step` steps (lower is better in the one named `VALIDATION`) and a sheet of pictures."""
        ...


VALIDATION = "validation"
Keep = Callable[[int, float, dict[str, AveragedModel]], None]  # steps, seconds and averages so far


def train(
    task: Task,
    run: Path,
    schedule: Schedule,
    *,
    seed: int,
    on_progress: Callable[[int, float, dict[str, float]], None] | None = None,
    processes: "Processes | None" = None,
    should_stop: Callable[[], bool] = lambda: False,
    validation: Validation | None = None,
    pictures: int = 0,
    tensorboard: bool = False,
    keep: Keep | None = None,
) -> dict[str, AveragedModel]:
    """Trains to the end of the schedule, resuming the newest state in `run`; returns the averages by model name.

    An average's `.module` is the model. `run` then holds `state-<step>.pt` and `losses.jsonl` (one object per step). With
    `validation` it also holds `best.pt`, the evaluation weights of its lowest metric (`models`: state by name; `step`).
    With several `processes` the first one writes and validates, and its clock counts. `should_stop` is called after every
    step. `pictures` is the number of pictures per step, from which the pictures per second are computed. `tensorboard`
    needs its package. With `keep`, `keep` is called wherever a state would be written, and no state is written.

    Raises:
        KeyboardInterrupt: `should_stop` returned true; the state is on disk.
        ImpastoError: a loss is no longer finite; the last state that was written stays.
        UsageError: the run was begun with another seed.
    """
    writes = processes is None or processes.is_first
    run.mkdir(parents=True, exist_ok=True)
    half_life = schedule.ema_half_life
    rule = warmed_average(schedule.ema_decay) if half_life is None else half_life_average(half_life)
    averages: dict[str, AveragedModel] = {name: EMA(task.models[name], rule) for name in task.averaged}
    base_rates = {name: [g["lr"] for g in o.param_groups] for name, o in task.optimizers.items()}
    state = load_newest_state(run)
    step, elapsed = 0, 0.0
    if state is not None:
        step, elapsed = _restore(task, averages, state, seed, run)
    started, saved_at, before = time.monotonic(), time.monotonic(), elapsed
    with closing(FigureLog(run if writes else None, step, tensorboard=tensorboard)) as log:

        def save() -> None:
            log.flush()
            if keep is not None:
                keep(step, elapsed, averages)
            elif writes:
                _save(task, averages, run, step, elapsed, seed, schedule.keep_states)

        while not schedule.is_over(step, elapsed, before):
            progress = schedule.progress(step, elapsed)
            for name, optimizer in task.optimizers.items():
                for group, rate in zip(optimizer.param_groups, base_rates[name], strict=True):
                    group["lr"] = rate * schedule.rate(step, progress)
            seed_step(seed, step)
            began = time.monotonic()
            losses = task.step(step, progress)
            spent = time.monotonic() - began
            if not all(math.isfinite(value) for value in losses.values()):
                raise ImpastoError(f"training diverged at step {step}: {losses}; lower the learning rate and run it again")
            for name, average in averages.items():
                average.update_parameters(task.models[name])
            step += 1
            elapsed, stopped = before + time.monotonic() - started, should_stop()
            if processes is not None:
                elapsed, stopped = processes.agree(elapsed, stopped)
            figures = dict(losses)
            for optimizer in list(task.optimizers.values())[:1]:
                figures[LEARNING_RATE] = learning_rate_of(optimizer)
            if pictures:
                figures[PICTURES_PER_SECOND] = round(pictures / max(spent, 1e-9), 2)
            is_due = schedule.is_over(step, elapsed, before) or (
                validation is not None and validation.every > 0 and step % validation.every == 0
            )
            sheet = None
            if validation is not None and is_due:
                if writes:
                    found, sheet = _validate(validation, task, averages, run, step)
                    figures.update(found)
                if processes is not None:
                    processes.wait()
            share = schedule.progress(step, elapsed)
            log.add(step, {"seconds": round(elapsed, 2), "share": round(share, 6), **figures}, sheet)
            if step % schedule.log_every == 0:
                log.flush()
            if on_progress is not None:
                on_progress(step, share, figures)
            due_by_step = schedule.save_steps is not None and step % schedule.save_steps == 0
            if stopped or due_by_step or time.monotonic() - saved_at >= schedule.save_seconds:
                save()
                saved_at = time.monotonic()
            if stopped:
                raise KeyboardInterrupt
        save()
    return averages


def _validate(
    validation: Validation, task: Task, averages: dict[str, AveragedModel], run: Path, step: int
) -> "tuple[dict[str, float], Image.Image | None]":
    """Validates the evaluation weights, and saves them if their metric is the best so far."""
    with evaluation_weights(task.models, averages, task.optimizers):
        figures, sheet = validation(step)
        if VALIDATION in figures:
            models = {name: model.state_dict() for name, model in task.models.items()}
            save_best(run, {"step": step, "models": models}, figures[VALIDATION])
    return figures, sheet


def _save(
    task: Task, averages: dict[str, AveragedModel], run: Path, step: int, elapsed: float, seed: int, keep: int
) -> None:
    save_state(
        run,
        step,
        {
            "step": step,
            "elapsed": elapsed,
            "seed": seed,
            "models": {name: model.state_dict() for name, model in task.models.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in task.optimizers.items()},
            "averages": {name: average.state_dict() for name, average in averages.items()},
        },
        keep,
    )


def _restore(
    task: Task, averages: dict[str, AveragedModel], state: dict[str, Any], seed: int, run: Path
) -> tuple[int, float]:
    if state["seed"] != seed:
        raise UsageError(f"{run} was begun with seed {state['seed']}, not {seed}: give that seed or another run folder")
    try:
        for name, model in task.models.items():
            model.load_state_dict(state["models"][name])
        for name, optimizer in task.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        for name, average in averages.items():
            average.load_state_dict(state["averages"][name])
    except (KeyError, RuntimeError, ValueError):
        raise ImpastoError(f"{run} holds a run of another shape: give another run folder") from None
    return int(state["step"]), float(state["elapsed"])

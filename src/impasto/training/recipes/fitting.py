"""Runs the loop for a recipe whose choices say how long it trains, and leaves the averaged weights in its task."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from impasto.training.distributed.processes import Processes
from impasto.training.loop.evaluation_weights import take_evaluation_weights
from impasto.training.loop.loop import Task, Validation, train
from impasto.training.loop.progress import Progress, each_step, no_report
from impasto.training.loop.steps import Schedule
from impasto.training.methods.fine_tuning import Order


class LengthChoices(Protocol):
    """The choices of a recipe that the schedule is made of."""

    @property
    def epochs(self) -> float: ...
    @property
    def batch(self) -> int: ...
    @property
    def warmup_steps(self) -> int: ...
    @property
    def final_rate(self) -> float: ...
    @property
    def ema_decay(self) -> float: ...
    @property
    def keep_states(self) -> int: ...


class OrderedTask(Task, Protocol):
    """A task that goes through its pictures in an order, whose `count` pictures are an epoch."""

    order: Order


def fit_averaged(
    task: OrderedTask,
    run: Path,
    choices: LengthChoices,
    processes: Processes,
    *,
    minutes: float | None,
    steps: int | None,
    seed: int,
    validation: Validation | None = None,
    save_steps: int | None = None,
    tensorboard: bool = False,
    on_progress: Progress = no_report,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Trains the task for `steps`, or for `minutes`, or else for `choices.epochs`.

    Afterwards the task's models hold the averaged weights, if they are averaged, and all processes have come here.

    Raises:
        KeyboardInterrupt, ImpastoError, UsageError: as `train`.
    """
    if steps is None and minutes is None:
        steps = math.ceil(choices.epochs * task.order.count / task.order.batch)
    schedule = Schedule(
        minutes=minutes, steps=steps, warmup_steps=choices.warmup_steps, final_rate=choices.final_rate,
        ema_decay=choices.ema_decay, save_steps=save_steps, keep_states=choices.keep_states,
    )  # fmt: skip
    averages = train(
        task, run, schedule, seed=seed, on_progress=each_step(on_progress), processes=processes, should_stop=should_stop,
        validation=validation, pictures=choices.batch, tensorboard=tensorboard,
    )  # fmt: skip
    processes.wait()
    take_evaluation_weights(task.models, averages, task.optimizers)

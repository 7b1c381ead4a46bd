"""What the tests of SIGKILL run in a child process: one method of training, begun or taken up again."""

import os
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from impasto.training.loop.progress import Progress
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes.retraining import retrain

STEPS = 8
CHOICES = FineTuning(batch=4, learning_rate=2e-3, warmup_steps=3, ema_decay=0.9, snr_gamma=5.0, validation_pictures=0)

Method = Callable[[Path, Path, Progress], Path]  # the test's folder, the run, who is told -> what was made


def retraining(choices: FineTuning) -> Method:
    """`retrain` with these choices; a state after every second step, so that some steps are made twice."""

    def train(folder: Path, run: Path, on_progress: Progress) -> Path:
        return retrain(
            folder / "catalogue", run, choices, checkpoint=str(folder / "base"), steps=STEPS, save_steps=2,
            on_progress=on_progress,
        )  # fmt: skip

    return train


METHODS: dict[str, Method] = {
    "unet": retraining(CHOICES),
    "text-encoder": retraining(replace(CHOICES, trained="text-encoder", fresh_text_encoder=True)),
    "both": retraining(replace(CHOICES, trained="both", accumulation=2, aspect_buckets=True)),
    "lora": retraining(replace(CHOICES, lora_rank=2, ema_decay=0.0)),
}


def train_in_child(method: str, folder: Path, run: Path, steps: Connection) -> None:
    """Trains, and sends the number of each step that is made."""
    torch.set_num_threads(1)
    os.environ["IMPASTO_CACHE"] = str(folder / "cache")

    def on_progress(stage: str, share: float, losses: dict[str, float]) -> None:
        if stage.startswith("step"):
            steps.send(int(stage.split()[1]))

    METHODS[method](folder, run, on_progress)

"""What a child process of a test runs: a small training that ends itself where it is told to."""

import io
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import torch

import impasto.files as files_module
import impasto.training.loop.state as state_module
from impasto.training.loop.loop import train
from impasto.training.loop.steps import Schedule, ShuffledOrder


class Deadly:
    """Counts writes, renames and steps; at the count `kill_at` the process ends itself with SIGKILL, so that every
    instruction around a state's write is a place where it can die."""

    def __init__(self, kill_at: int) -> None:
        self.events, self.kill_at = 0, kill_at
        self.save, self.sync = torch.save, files_module.sync_folder
        torch.save = self.slow_save  # type: ignore[assignment]
        state_module.sync_folder = files_module.sync_folder = self.dying_sync

    def event(self) -> None:
        self.events += 1
        if self.events == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def slow_save(self, state: object, file: io.BufferedWriter) -> None:
        """torch.save in two halves, with a place to die before, between and after them."""
        buffer = io.BytesIO()
        self.save(state, buffer)
        data = buffer.getvalue()
        self.event()
        file.write(data[: len(data) // 2])
        file.flush()
        self.event()
        file.write(data[len(data) // 2 :])
        self.event()

    def dying_sync(self, folder: Path) -> None:
        self.event()
        self.sync(folder)
        self.event()


class Regression:
    """A little network with dropout, so that a resumed run needs the right random state as well as the right data."""

    averaged = ("network",)

    def __init__(self, deadly: Deadly) -> None:
        torch.manual_seed(0)
        network = torch.nn.Sequential(
            torch.nn.Linear(8, 32), torch.nn.Dropout(0.2), torch.nn.SiLU(), torch.nn.Linear(32, 1)
        )
        self.deadly = deadly
        self.inputs = torch.randn(50, 8)
        self.order = ShuffledOrder(50, 7, seed=3)
        self.models: dict[str, torch.nn.Module] = {"network": network}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "network": torch.optim.AdamW(network.parameters(), lr=1e-2)
        }

    def step(self, step: int, progress: float) -> dict[str, float]:
        self.deadly.event()
        batch = self.inputs[self.order.at(step)]
        made = self.models["network"](batch + 0.1 * torch.randn_like(batch))
        loss = (made - batch.sum(1, keepdim=True)).square().mean()
        self.optimizers["network"].zero_grad()
        loss.backward()
        self.optimizers["network"].step()
        return {"loss": loss.item()}


def train_until_killed(run: Path, steps: int, kill_at: int, sends: Connection) -> None:
    """The training, whole or up to the event `kill_at`; a whole one sends how many events there were."""
    torch.set_num_threads(1)
    deadly = Deadly(kill_at)
    averages = train(
        Regression(deadly), run, Schedule(steps=steps, save_steps=5, save_seconds=1e9, warmup_steps=4, log_every=1), seed=11
    )
    deadly.save(averages["network"].module.state_dict(), run / "averaged.pt")
    sends.send(deadly.events)

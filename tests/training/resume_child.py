"""Run as a child process: a small training whose last line says when it is whole. `argv`: run folder, kind, steps.

At IMPASTO_KILL_AT (a count of write, rename and step events) the process kills itself with SIGKILL, so that every
instruction around a state's write is a place where it can die.
"""

import os
import signal
import sys
from pathlib import Path

import torch

torch.set_num_threads(1)

import impasto.files as files_module  # noqa: E402
import impasto.training.state as state_module  # noqa: E402
from impasto.training.loop import Schedule, ShuffledOrder, train  # noqa: E402

EVENTS = 0
KILL_AT = int(os.environ.get("IMPASTO_KILL_AT", "0"))


def event() -> None:
    global EVENTS
    EVENTS += 1
    if EVENTS == KILL_AT:
        os.kill(os.getpid(), signal.SIGKILL)


class Regression:
    """A little network with dropout, so that a resumed run needs the right random state as well as the right data."""

    averaged = ("network",)

    def __init__(self) -> None:
        torch.manual_seed(0)
        network = torch.nn.Sequential(
            torch.nn.Linear(8, 32), torch.nn.Dropout(0.2), torch.nn.SiLU(), torch.nn.Linear(32, 1)
        )
        self.inputs = torch.randn(50, 8)
        self.order = ShuffledOrder(50, 7, seed=3)
        self.models: dict[str, torch.nn.Module] = {"network": network}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "network": torch.optim.AdamW(network.parameters(), lr=1e-2)
        }

    def step(self, step: int, progress: float) -> dict[str, float]:
        event()
        batch = self.inputs[self.order.at(step)]
        made = self.models["network"](batch + 0.1 * torch.randn_like(batch))
        loss = (made - batch.sum(1, keepdim=True)).square().mean()
        self.optimizers["network"].zero_grad()
        loss.backward()
        self.optimizers["network"].step()
        return {"loss": loss.item()}


def slow_save(state: object, file: object) -> None:
    """torch.save in two halves, with a place to die before, between and after them."""
    import io

    buffer = io.BytesIO()
    real_save(state, buffer)
    data = buffer.getvalue()
    event()
    file.write(data[: len(data) // 2])  # type: ignore[attr-defined]
    file.flush()  # type: ignore[attr-defined]
    event()
    file.write(data[len(data) // 2 :])  # type: ignore[attr-defined]
    event()


real_save = torch.save
torch.save = slow_save  # type: ignore[assignment]
real_sync = state_module.sync_folder


def dying_sync(folder: Path) -> None:
    event()
    real_sync(folder)
    event()


state_module.sync_folder = files_module.sync_folder = dying_sync

if __name__ == "__main__":
    run, steps = Path(sys.argv[1]), int(sys.argv[2])
    task = Regression()
    averages = train(
        task, run, Schedule(steps=steps, save_steps=5, save_seconds=1e9, warmup_steps=4, log_every=1), seed=11
    )
    real_save(averages["network"].module.state_dict(), run / "averaged.pt")
    print("whole", EVENTS)

"""The processes that train one model together: one on a laptop, several under `accelerate launch`."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import torch

from impasto.errors import UsageError
from impasto.settings import keep_freed_memory
from impasto.training.distributed.launch import meet


class Processes:
    """accelerate's `Accelerator`, as much of it as the loop and the tasks need.

    Attributes:
        rank, count: this process's number, from 0, and how many there are.
        device: where this process computes.
    """

    def __init__(self, precision: str = "fp32") -> None:
        """`precision`: fp32, bf16 or fp16; the weights stay in fp32 (mixed precision)."""
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        meet()
        # accelerate keeps one precision for a process; a second run in it may ask for another one.
        AcceleratorState._reset_state()
        self._accelerator: Any = Accelerator(mixed_precision="no" if precision == "fp32" else precision)
        self.rank, self.count = self._accelerator.process_index, self._accelerator.num_processes
        self.device: torch.device = self._accelerator.device
        if self.device.type == "cpu":
            keep_freed_memory()  # a step frees what the next one asks for again

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and talks."""
        return self.rank == 0

    def prepare(self, *parts: Any) -> Any:
        """Models and optimizers for this process's device, wrapped so that gradients are averaged over all processes."""
        return self._accelerator.prepare(*parts)

    def mixed_precision(self) -> AbstractContextManager[None]:
        """What is computed inside is computed in the processes' precision, by models that were not prepared too."""
        return self._accelerator.autocast()

    def part(self, count: int) -> slice:
        """This process's part of a batch of `count`.

        Raises:
            UsageError: the processes cannot have parts of one size.
        """
        if count % self.count:
            raise UsageError(f"a batch of {count} cannot be shared among {self.count} processes: use a multiple")
        size = count // self.count
        return slice(self.rank * size, (self.rank + 1) * size)

    def backward(self, loss: torch.Tensor) -> None:
        """Gradients, scaled where fp16 needs it."""
        self._accelerator.backward(loss)

    @contextmanager
    def apart(self, *models: Any) -> Iterator[None]:
        """Gradients of what is inside stay in this process: they are added up, and averaged later."""
        with ExitStack() as stack:
            for model in models:
                stack.enter_context(self._accelerator.no_sync(model))
            yield

    def clip(self, parameters: list[torch.nn.Parameter], most: float) -> float:
        """Scales the gradients down to a norm of at most `most`; returns what it was."""
        norm = self._accelerator.clip_grad_norm_(parameters, most)
        return float(norm) if norm is not None else 0.0

    def gathered(self, values: torch.Tensor) -> torch.Tensor:
        """All processes' values [n], in the order of their ranks: [count * n]."""
        return self._accelerator.gather(values)

    def agree(self, seconds: float, stop: bool) -> tuple[float, bool]:
        """The first process's clock, and whether any process was asked to stop: all must end at the same step."""
        if self.count == 1:  # nor is a number rounded that needs no sending
            return seconds, stop
        told = torch.tensor([seconds if self.is_first else 0.0, float(stop)], dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(told)  # pyright: ignore[reportPrivateImportUsage]
        return float(told[0]), bool(told[1] > 0)

    def wait(self) -> None:
        """Until every process is here."""
        self._accelerator.wait_for_everyone()

"""Distributed training of one model with accelerate: one process on a laptop, several under `accelerate launch`."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import torch

from impasto.errors import UsageError
from impasto.settings import keep_freed_memory
from impasto.training.distributed.launch import meet


class Processes:
    """A wrapper of accelerate's `Accelerator` with the operations that the loop and the tasks need.

    Attributes:
        rank, count: this process's number, from 0, and the number of processes.
        device: the device on which this process computes.
    """

    def __init__(self, precision: str = "fp32") -> None:
        """Sets up accelerate. `precision` is fp32, bf16 or fp16; the weights stay in fp32 (mixed precision)."""
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        meet()
        # accelerate keeps one precision per process; a second run in the same process may need another one.
        AcceleratorState._reset_state()
        self._accelerator: Any = Accelerator(mixed_precision="no" if precision == "fp32" else precision)
        self.rank, self.count = self._accelerator.process_index, self._accelerator.num_processes
        self.device: torch.device = self._accelerator.device
        if self.device.type == "cpu":
            keep_freed_memory()  # a step frees memory that the next one allocates again

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes files and reports progress."""
        return self.rank == 0

    def prepare(self, *parts: Any) -> Any:
        """Wraps models and optimizers for this process's device, so that gradients are averaged over all processes."""
        return self._accelerator.prepare(*parts)

    def mixed_precision(self) -> AbstractContextManager[None]:
        """Returns a context that computes in the processes' precision, also for models that were not prepared."""
        return self._accelerator.autocast()

    def part(self, count: int) -> slice:
        """Returns this process's part of a batch of `count`.

        Raises:
            UsageError: the batch cannot be split into parts of equal size.
        """
        if count % self.count:
            raise UsageError(f"a batch of {count} cannot be shared among {self.count} processes: use a multiple")
        size = count // self.count
        return slice(self.rank * size, (self.rank + 1) * size)

    def backward(self, loss: torch.Tensor) -> None:
        """Computes gradients, scaled if fp16 needs it."""
        self._accelerator.backward(loss)

    @contextmanager
    def apart(self, *models: Any) -> Iterator[None]:
        """Returns a context in which gradients stay in this process: they accumulate here and are averaged later."""
        with ExitStack() as stack:
            for model in models:
                stack.enter_context(self._accelerator.no_sync(model))
            yield

    def clip(self, parameters: list[torch.nn.Parameter], most: float) -> float:
        """Scales the gradients down to a norm of at most `most`; returns the norm before scaling."""
        norm = self._accelerator.clip_grad_norm_(parameters, most)
        return float(norm) if norm is not None else 0.0

    def gathered(self, values: torch.Tensor) -> torch.Tensor:
        """Gathers the values [n] of all processes, in the order of their ranks: [count * n]."""
        return self._accelerator.gather(values)

    def agree(self, seconds: float, stop: bool) -> tuple[float, bool]:
        """Returns the first process's clock and whether any process was asked to stop: all must end at the same step."""
        if self.count == 1:  # nothing to send, so the number is not rounded either
            return seconds, stop
        told = torch.tensor([seconds if self.is_first else 0.0, float(stop)], dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(told)  # pyright: ignore[reportPrivateImportUsage]
        return float(told[0]), bool(told[1] > 0)

    def wait(self) -> None:
        """Waits until every process has called it."""
        self._accelerator.wait_for_everyone()

"""Measures a machine's matrix rate and the operations per picture, and chooses the batch size and whether to compile."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from impasto.training.loop.steps import seed_step
from impasto.training.pocket.machine import Machine
from impasto.training.pocket.task import PocketTask

BATCHES = (256, 512, 1024)
_ENOUGH = 0.85  # sufficient share of the best rate: a smaller batch gives more steps for the same pictures
_WORTH = 1.05  # the least speed-up for which compiling is kept
Say = Callable[[str], None]


def matrix_rate(machine: Machine, seconds: float = 1.0) -> float:
    """Measures the operations per second of a large bf16 matrix product (fp32 if the machine computes in fp32)."""
    size = 8192 if machine.device.type == "cuda" else 1024
    dtype = torch.bfloat16 if machine.mixed else torch.float32
    a, b = (torch.randn(size, size, device=machine.device, dtype=dtype) for _ in range(2))
    for _ in range(3):
        torch.mm(a, b)
    wait_for(machine)
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        for _ in range(5):
            torch.mm(a, b)
        wait_for(machine)
        count += 5
    return 2 * size**3 * count / (time.perf_counter() - begun)


def wait_for(machine: Machine) -> None:
    """Waits until the device has finished all queued work."""
    if machine.device.type == "cuda":
        torch.cuda.synchronize(machine.device)


def picture_operations(task: PocketTask, context: int = 28) -> float:
    """Returns the U-Net's operations for one picture, forward and backward, by torch's counter."""
    from torch.utils.flop_counter import FlopCounterMode

    device = task.machine.device
    noisy = torch.randn(2, *task.data.latents.shape[2:], device=device)
    times = torch.zeros(2, dtype=torch.long, device=device)
    states = torch.randn(2, context, task.choices.unet.text_width, device=device)
    with FlopCounterMode(display=False) as counter, task.machine.autocast():
        task.unet(noisy, times, states, return_dict=False)[0].float().square().mean().backward()
    if task.alignment is not None:
        task.alignment.forget()
    for weight in task.trained:
        weight.grad = None
    return counter.get_total_flops() / 2


@contextmanager
def _resting(task: PocketTask) -> Iterator[None]:
    """Makes steps change no weight inside the context: sets learning rates to 0, and clears the optimizers' state after."""
    groups = [group for optimizer in task.optimizers.values() for group in optimizer.param_groups]
    rates = [group["lr"] for group in groups]
    for group in groups:
        group["lr"] = 0.0
    try:
        yield
    finally:
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate
        for optimizer in task.optimizers.values():
            optimizer.state.clear()
            optimizer.zero_grad(set_to_none=True)


def measure(task: PocketTask, seconds: float) -> float:
    """Measures pictures per second over whole steps, after two warm-up steps."""
    with _resting(task):
        for step in range(2):
            seed_step(0, step)
            task.step(step, 0.0)
        wait_for(task.machine)
        begun, count = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            for _ in range(5):
                seed_step(0, count)
                task.step(count, 0.0)
                count += 1
            wait_for(task.machine)
        return count * task.choices.batch / (time.perf_counter() - begun)


def choose(task: PocketTask, seconds: float, compiled: bool | None, say: Say) -> dict[str, float]:
    """Sets the task's batch, and compiles it if that is faster within `seconds`; returns pictures per second by trial.

    It takes the smallest batch that is nearly as fast as the fastest. With `compiled` None, compiling is tried and kept if
    it is faster.
    """
    begun, found = time.perf_counter(), {}
    for batch in BATCHES:
        if batch > 2 * len(task.data) or time.perf_counter() - begun > seconds / 3:
            break
        try:
            task.set_batch(batch)
            found[batch] = measure(task, seconds / 20)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            break
        say(f"batch {batch}: {found[batch]:.0f} pictures/s")
    if found:
        task.set_batch(min(batch for batch, rate in found.items() if rate >= _ENOUGH * max(found.values())))
    rates = {f"batch {batch}": round(rate, 1) for batch, rate in found.items()}
    plain = found.get(task.choices.batch, 0.0)
    left = seconds - (time.perf_counter() - begun)
    if compiled is not False and left > 5:
        rate = _compiled_rate(task, left, seconds / 20, say)
        rates["compiled"] = round(rate, 1)
        if not rate or (rate < _WORTH * plain and not compiled):
            task.forget_compiled()
    say(f"chosen: batch {task.choices.batch}, {'compiled' if task.is_compiled else 'not compiled'}")
    return rates


def _compiled_rate(task: PocketTask, limit: float, seconds: float, say: Say) -> float:
    """Measures pictures per second of the compiled step; 0 if compiling fails or takes longer than `limit`."""

    def over(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise TimeoutError("compiling took too long")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        task.compile()
        rate = measure(task, seconds)
        say(f"compiled: {rate:.0f} pictures/s")
    except Exception as error:  # any failure of the compiler; training continues without it
        say(f"not compiled: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        return 0.0
    else:
        return rate
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

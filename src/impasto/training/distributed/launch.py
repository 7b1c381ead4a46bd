"""Finds this process's rank in a distributed launch, and broadcasts a number from the first process before training.

`accelerate launch` and `torchrun` start all processes alike and set the rank in environment variables. So torch is not
needed to find out that there is only one process.
"""

import os
from datetime import timedelta

# Prefixes of the environment variables of torchrun and of three kinds of MPI.
_PREFIXES = ("", "PMI_", "OMPI_COMM_WORLD_", "MV2_COMM_WORLD_")
# How long processes wait for one another: one may have thousands of pictures to encode while another has none.
_PATIENCE = timedelta(hours=12)


def process_number() -> int:
    """Returns this process's rank, from 0; the first process writes files and reports progress."""
    return _number("RANK", 0)


def process_count() -> int:
    """Returns how many processes were started together; 1 without a distributed launch."""
    return _number("WORLD_SIZE", _number("SIZE", 1))


def meet() -> None:
    """Waits until all processes have called it; then they can send each other numbers. A single process does nothing."""
    if process_count() == 1:
        return
    import torch
    from accelerate.state import PartialState
    from accelerate.utils import parse_flag_from_env

    # Without this, each process on a machine without an accelerator would assume that it is the only one.
    cpu = parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.cuda.is_available()
    PartialState(cpu=cpu, timeout=_PATIENCE)


def told_by_first(number: int = 0) -> int:
    """Returns, in every process, the `number` of the first process. Waits for all processes."""
    if process_count() == 1:
        return number
    meet()
    import torch
    from accelerate.state import PartialState
    from accelerate.utils import broadcast

    told = broadcast(torch.tensor(number, dtype=torch.int64, device=PartialState().device))
    return int(told)  # pyright: ignore[reportArgumentType]


def _number(name: str, default: int) -> int:
    for prefix in _PREFIXES:
        value = os.environ.get(prefix + name, "")
        if value.isdecimal():
            return int(value)
    return default

"""Which of several processes this one is, and what the first tells the others before they train together.

`accelerate launch` and `torchrun` start them all alike and say the rest in environment variables: no torch is needed to know
that there is one process only.
"""

import os
from datetime import timedelta

_PREFIXES = ("", "PMI_", "OMPI_COMM_WORLD_", "MV2_COMM_WORLD_")  # of torchrun and of three kinds of MPI
# How long processes wait for one another: one may have thousands of pictures to encode while another has none.
_PATIENCE = timedelta(hours=12)


def process_number() -> int:
    """This process's number, from 0; the first writes and talks."""
    return _number("RANK", 0)


def process_count() -> int:
    """How many processes were started together; 1 where none was launched."""
    return _number("WORLD_SIZE", _number("SIZE", 1))


def meet() -> None:
    """Waits until all processes are here; from then on they can send each other numbers. Alone, it does nothing."""
    if process_count() == 1:
        return
    import torch
    from accelerate.state import PartialState
    from accelerate.utils import parse_flag_from_env

    # Without this, processes on a machine that has no accelerator would each believe that they are alone.
    cpu = parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.cuda.is_available()
    PartialState(cpu=cpu, timeout=_PATIENCE)


def told_by_first(number: int = 0) -> int:
    """In every process, the number that the first one gives. Waits for all."""
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

"""Creates the optimizers of a retraining, each from the package that its authors or the field maintain."""

import io
from collections.abc import Iterable
from contextlib import redirect_stdout
from importlib.util import find_spec
from typing import Any

import torch

from impasto.errors import MissingPart
from impasto.settings import show_bitsandbytes

_PACKAGES = {"adamw-8bit": "bitsandbytes", "prodigy": "prodigyopt", "schedule-free": "schedulefree"}


def check_optimizer(name: str) -> None:
    """Raises MissingPart if the optimizer's package is not installed; imports nothing."""
    show_bitsandbytes()
    package = _PACKAGES.get(name)
    if package is not None and find_spec(package) is None:
        raise MissingPart(f"optimizer {name} needs {package}: pip install 'impasto[training]', or use adamw")


def make_optimizer(
    name: str, parameters: Iterable[torch.nn.Parameter], learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Returns an optimizer of `parameters`, ready to step.

    adamw: Loshchilov and Hutter 2019, torch's. adamw-8bit: its moments in 8 bits (Dettmers et al. 2022), bitsandbytes'.
    prodigy: Mishchenko and Defazio 2023, set as in diffusers' `train_dreambooth_lora.py`; `learning_rate` is a factor of
    the rate that it finds. schedule-free: AdamW of Defazio et al. 2024; during training the models hold its y, and its
    average x is what to validate and save (`evaluation_weights`).

    Raises:
        MissingPart: its package is not installed, or does not run here.
    """
    check_optimizer(name)
    parameters = list(parameters)
    if name == "adamw-8bit":
        try:
            from bitsandbytes.optim.adamw import AdamW8bit
        except (ImportError, OSError, RuntimeError) as error:
            reason = str(error).partition("\n")[0]
            raise MissingPart(f"bitsandbytes does not run here ({reason}): use optimizer adamw") from None
        return AdamW8bit(parameters, lr=learning_rate, weight_decay=weight_decay)
    if name == "prodigy":
        from prodigyopt import Prodigy

        decay: Any = weight_decay  # its annotation is int, but it takes a float
        with redirect_stdout(io.StringIO()):  # it prints that the weight decay is decoupled
            return Prodigy(
                parameters, lr=learning_rate, weight_decay=decay, use_bias_correction=True, safeguard_warmup=True
            )
    if name == "schedule-free":
        from schedulefree import AdamWScheduleFree

        optimizer = AdamWScheduleFree(parameters, lr=learning_rate, weight_decay=weight_decay)
        optimizer.train()
        return optimizer
    # Fused makes one pass over the weights: 4 times as fast on a CPU, and without temporary copies of all weights.
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, fused=True)


def learning_rate_of(optimizer: torch.optim.Optimizer) -> float:
    """Returns the current learning rate of the first parameter group; for Prodigy, its estimate d times the factor."""
    group = optimizer.param_groups[0]
    return float(group["lr"]) * float(group.get("d", 1.0))

"""The precision of a training on this machine: what `auto` means here."""

from dataclasses import replace
from typing import TypeVar

from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.pocket.machine import find_machine

AUTO = "auto"
Choices = TypeVar("Choices", bound=FineTuning)


def settled(choices: Choices) -> Choices:
    """Returns the options with this machine's precision in place of `auto`; others are returned unchanged.

    bf16 (mixed: the weights stay in fp32) on GPUs and CPUs that multiply in it (AVX512-BF16, AMX), else fp32: without such
    units, bf16 is slower than fp32.
    """
    if choices.precision != AUTO:
        return choices
    return replace(choices, precision="bf16" if find_machine().mixed else "fp32")

"""Prints the estimated cost of a training before it begins: in full with `--dry-run`, as a note at each real start."""

from typing import TYPE_CHECKING

from impasto.cli.console import say, say_note

if TYPE_CHECKING:
    from impasto.training.estimate.estimate import Estimate


def say_estimate(told: "Estimate") -> None:
    """Prints the whole estimate on stdout, one line each for memory, time and disk."""
    memory = told.memory
    parts = {
        "the process": memory.process,
        "weights": memory.weights,
        "gradients": memory.gradients,
        "optimizer": memory.optimizer,
        "averages": memory.averages,
        "activations": memory.activations,
        "resting VAE and text encoder": memory.resting,
        "latents and texts": memory.data,
    }
    held = ", ".join(f"{name} {_size(size)}" for name, size in parts.items() if size)
    moments = {"training": memory.training, "encoding": memory.encoding, "painting": memory.painting}
    most = ", ".join(f"{_size(size)} while {name}" for name, size in moments.items() if size)
    say(f"{_memory(told)} ({most}): {held}")
    say(
        f"{_time(told)}: {told.to_encode[0]} of {told.pictures} pictures of {told.side} px and {told.to_encode[1]} of "
        f"{told.texts} texts to encode {_duration(told.encoding_seconds)}, "
        f"{told.steps} steps of {_duration(told.step_seconds)}"
    )
    say(f"disk {_size(2 * told.disk.state + told.disk.made)} at most: two states of {_size(told.disk.state)} "
        f"while one follows the other, and what is made {_size(told.disk.made)}")  # fmt: skip


def note_estimate(told: "Estimate") -> None:
    """Prints the estimate as one note."""
    say_note(f"estimated: {_memory(told)}, {_time(told)}, disk {_size(2 * told.disk.state + told.disk.made)} at most")


def _memory(told: "Estimate") -> str:
    return f"{'GPU memory' if told.on_gpu else 'memory'} {_size(told.memory.peak)} at the peak"


def _time(told: "Estimate") -> str:
    return f"time about {_duration(told.seconds)}"


def _size(size: float) -> str:
    """Formats bytes in a suitable unit."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def _duration(seconds: float) -> str:
    """Formats seconds in a suitable unit."""
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"

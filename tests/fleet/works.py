"""Works that workers of a test's cluster do: quick, slow, failing, deadly, hungry."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, UsageError
from impasto.spreading import Unit, unit_key


@dataclass(frozen=True)
class Doubling:
    """Doubles the number in its payload, and leaves a mark of every time that it did.

    Attributes:
        marks: a folder; a file there gets a byte for each time that a unit was done.
        seconds: that a unit takes.
        gpus: see `Work`.
    """

    marks: str = ""
    seconds: float = 0.0
    gpus: float = 0.0
    name = "doubling"

    def do(self, payload: Any, halvings: int) -> bytes:
        """Does what the payload's word says, and returns twice its number."""
        number, word = payload
        if self.marks:
            with (Path(self.marks) / f"{number}").open("ab") as file:
                file.write(b"." if word != "process" else f"{os.getpid()}\n".encode())
        time.sleep(self.seconds)
        while word.startswith("wait for ") and not (Path(self.marks).parent / word.removeprefix("wait for ")).exists():
            time.sleep(0.02)
        if word == "fail":
            raise UsageError(f"unit {number} does not work")
        if word == "break":
            raise ZeroDivisionError("never")
        if word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "hungry" and halvings < 2:
            raise MemoryError
        if word == "starving":
            raise ImpastoError("3 pictures of 8x8 at once do not fit into memory: use a smaller batch or size")
        return f"{2 * number}/{halvings}".encode()


def units(count: int, words: dict[int, str] | None = None) -> list[Unit]:
    """Returns units 0 to `count` - 1; `words` says what else some of them do."""
    return [Unit(n, unit_key("doubling", str(n)), (n, (words or {}).get(n, ""))) for n in range(count)]


def marks(folder: Path) -> dict[int, int]:
    """How often each unit was done."""
    return {int(file.name): file.stat().st_size for file in folder.iterdir()}


class Writer:
    """A captioner that says how bright a picture is, and the seed that it was given; it takes `seconds` for a picture."""

    name, identity = "writer", "w" * 64

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def caption(self, images: Any, *, tags: Any, count: int, seeds: Any) -> list[list[str]]:
        """See `Captioner.caption`."""
        time.sleep(self.seconds)
        found = []
        for image, told, seed in zip(images, tags, seeds, strict=True):
            light = image.convert("L").resize((1, 1)).getpixel((0, 0))
            found.append([f"{light} {told[0]} {seed % 1000} {n}" for n in range(count)])
        return found


@dataclass(frozen=True)
class ColourModels:
    """Loads models that know three colours; the captioner takes `seconds` for a picture."""

    seconds: float = 0.0

    def __call__(self) -> Any:
        """Returns `Models`."""
        from tests.data.colour_scorer import ColourScorer

        from impasto.data.annotations.caption_work import Models
        from impasto.vision.taggers.zero_shot import ZeroShotTagger

        return Models(Writer(self.seconds), ZeroShotTagger(ColourScorer(), ["red", "green", "blue"]), ColourScorer())

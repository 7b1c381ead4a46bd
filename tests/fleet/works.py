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

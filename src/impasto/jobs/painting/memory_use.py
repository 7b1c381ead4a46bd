"""Options for retrieval memory and reference pictures (`--memory`, `--like`), and notes about them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.data.catalogue.entry import Skipped
    from impasto.painting.memory.record import Like

_SHOWN = 5


def check_memory(name: str) -> str:
    """Checks the name of a memory and returns it for a request.

    Raises:
        UsageError: there is no such folder.
    """
    if name not in ("", "none") and not Path(name).expanduser().is_dir():
        raise UsageError(f"--memory {name}: there is no such folder; none paints from the text alone")
    return name


def read_like_options(words: Sequence[str] | None) -> "tuple[Like, ...]":
    """Reads the pictures of `--like`; '' stands for none.

    Raises:
        UsageError, ImpastoError: a weight is out of its range; a file does not exist or is no picture.
    """
    if not any(words or ()):
        return ()
    from impasto.painting.memory.likes import read_likes

    return read_likes([word for word in words or () if word])


def say_skipped(skipped: "Sequence[Skipped]", say: Callable[[str], None]) -> None:
    """Calls `say` with notes on the pictures that are left out of a memory."""
    for one in skipped[:_SHOWN]:
        say(f"{one.file_name}: {one.reason}: left out of the memory")
    if len(skipped) > _SHOWN:
        say(f"{len(skipped)} pictures are left out of the memory in all")

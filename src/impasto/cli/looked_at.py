"""`--memory` and `--like`: what a painter looks at, named on the command line, and what is said of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import say_note
from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.data.catalogue.entry import Skipped
    from impasto.painting.memory.record import Like, MemoryUse

MEMORY_HELP = "A folder of pictures to look at in place of the checkpoint's own works; none for none."
LIKE_HELP = "A picture to be like, and how much; may be repeated. The prompt may then be left out."
MemoryName = Annotated[str, typer.Option(help=MEMORY_HELP, metavar="CATALOGUE", show_default="the checkpoint's")]
LikeNames = Annotated[list[str] | None, typer.Option("--like", help=LIKE_HELP, metavar="PICTURE[:WEIGHT]")]
_SHOWN = 5


def check_memory(name: str) -> str:
    """The memory of this name, as a request has it.

    Raises:
        UsageError: there is no such folder.
    """
    if name not in ("", "none") and not Path(name).expanduser().is_dir():
        raise UsageError(f"--memory {name}: there is no such folder; none paints from the text alone")
    return name


def read_like_options(words: Sequence[str] | None) -> "tuple[Like, ...]":
    """The pictures of `--like`; '' is none.

    Raises:
        UsageError, ImpastoError: a weight is out of its range; a file is not there or is no picture.
    """
    if not any(words or ()):
        return ()
    from impasto.painting.memory.likes import read_likes

    return read_likes([word for word in words or () if word])


def say_skipped(skipped: "Sequence[Skipped]") -> None:
    """Says which pictures of a memory are left out."""
    for one in skipped[:_SHOWN]:
        say_note(f"{one.file_name}: {one.reason}: left out of the memory")
    if len(skipped) > _SHOWN:
        say_note(f"{len(skipped)} pictures are left out of the memory in all")


def facts_of(use: "MemoryUse | None") -> list[tuple[str, object]]:
    """What `impasto show` tells of what was looked at."""
    if use is None:
        return []
    source = use.source or "the checkpoint's"
    facts: list[tuple[str, object]] = [("memory", f"{source} ({use.content_hash[:12]})" if use.content_hash else source)]
    facts += [("like", f"{like.name}:{like.weight:g} ({like.content_hash[:12]})") for like in use.likes]
    return [*facts, *(("looked at", work) for work in use.works)]

"""Compares the settings of a reproduction with those of its paper, for a section of the report."""

from collections.abc import Sequence
from dataclasses import dataclass

from impasto.reproduction.paper_checkpoints import Identity, PaperCheckpoint
from impasto.reproduction.report import Section, Table

TITLE = "What differs from the paper"


@dataclass(frozen=True)
class Compared:
    """One setting.

    Attributes:
        what: the setting.
        paper, here: its value in the paper and in this reproduction, in words.
        same: whether they are the same; None if the paper does not tell, or it cannot be told here.
    """

    what: str
    paper: str
    here: str
    same: bool | None


def compare(what: str, paper: object, here: object, words: str = "{}") -> Compared:
    """Returns the comparison of two values, which are the same if they are equal; `words` formats both."""
    return Compared(what, words.format(paper), words.format(here), paper == here)


def compare_checkpoint(paper: PaperCheckpoint, found: Identity, side: int) -> list[Compared]:
    """Returns the comparisons of the checkpoint and of the side of its pictures in pixels."""
    return [
        Compared("checkpoint", paper.name, found.words, found.same),
        compare("size of the pictures", paper.side, side, "{0} x {0} px"),
    ]


def device_words() -> str:
    """Returns the name of the device that trains: the GPU's, or the processor."""
    import torch

    from impasto.settings import choose_device

    device = choose_device()
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()


def differences_section(rows: Sequence[Compared]) -> Section:
    """Returns the section of all comparisons: first what differs, then what cannot be compared, then what is the same."""
    differs = tuple((row.what, row.paper, row.here) for row in rows if row.same is False)
    untold = tuple((row.what, row.paper, row.here) for row in rows if row.same is None)
    same = tuple((row.what, row.here) for row in rows if row.same)
    words = f"Settings compared: {len(rows)}. Different from the paper's: {len(differs)}. The same: {len(same)}."
    words += f" Not said by the paper, or not known here: {len(untold)}." if untold else ""
    tables = []
    if differs:
        tables.append(Table(("differs", "the paper", "here"), differs))
    if untold:
        tables.append(Table(("cannot be compared", "the paper", "here"), untold))
    if same:
        tables.append(Table(("as in the paper", "here"), same))
    return Section(TITLE, (words,), tables=tuple(tables))

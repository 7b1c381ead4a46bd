"""What is compared: folders of pictures, each under a label, and what their painters were asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from impasto.errors import UsageError


@dataclass(frozen=True)
class Picture:
    """One picture of a contestant.

    Attributes:
        content: SHA-256, hexadecimal, of the file.
        prompt, artist, seed: what its own record says that was asked for; "" and None where it says nothing.
    """

    file: Path
    file_name: str
    content: str
    prompt: str = ""
    artist: str = ""
    seed: int | None = None


@dataclass(frozen=True)
class Contestant:
    """A folder that gets a score: its label in the log, and its pictures, at least one."""

    label: str
    pictures: tuple[Picture, ...]


def folder_labels(folders: Sequence[Path]) -> list[str]:
    """What each folder is called in the log: its name, with as many of its parents' as tell all of them apart.

    So the same folders are called the same from wherever the command is given, and on another judge's machine.

    Raises:
        UsageError: a folder is given twice, or there are fewer than two.
    """
    parts = [folder.resolve().parts for folder in folders]
    for number, place in enumerate(parts):
        if place in parts[:number]:
            raise UsageError(f"{folders[number]} is given twice: a folder cannot be compared with itself")
    if len(folders) < 2:
        raise UsageError("give two or more folders to compare: impasto prefer before/ after/ --log votes.jsonl")
    labels: list[str] = []
    for length in range(1, max(map(len, parts)) + 1):
        labels = ["/".join(place[-length:]) for place in parts]
        if len(set(labels)) == len(labels):
            break
    return labels

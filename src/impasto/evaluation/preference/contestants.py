"""The contestants of a preference test: labelled folders of pictures, with the prompt of each picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from impasto.errors import UsageError


@dataclass(frozen=True)
class Picture:
    """One picture of a contestant.

    Attributes:
        content: SHA-256, hexadecimal, of the file.
        prompt, artist, seed: the settings in the picture's provenance record; "" and None where it has none.
    """

    file: Path
    file_name: str
    content: str
    prompt: str = ""
    artist: str = ""
    seed: int | None = None


@dataclass(frozen=True)
class Contestant:
    """A folder that gets a score: its label in the log and its pictures, at least one."""

    label: str
    pictures: tuple[Picture, ...]


def folder_labels(folders: Sequence[Path]) -> list[str]:
    """Returns the label of each folder in the log: its name, with as many parent folders as needed to make labels unique.

    So the same folders have the same labels wherever the command is run, and on another judge's machine.

    Raises:
        UsageError: a folder is given twice, or there are fewer than two folders.
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

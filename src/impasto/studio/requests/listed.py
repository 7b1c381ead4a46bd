"""The adapters that clients may name: LoRAs, concepts and control networks in folders of theirs and in the workspace's runs.

| what | folders |
|---|---|
| LoRAs | `$IMPASTO_LORAS`, the cache's `loras`, the workspace's `runs` |
| concepts | `$IMPASTO_CONCEPTS`, the cache's `concepts`, the workspace's `runs` |
| control networks | `$IMPASTO_CONTROLS`, the cache's `controls`, the workspace's `runs` |
"""

import os
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError
from impasto.settings import cache_folder
from impasto.workspace import Workspace

NAME = r"[\w][\w .+-]{0,99}"  # one part of a path: no separator, and no dot at its beginning
CONTROL = "control"  # the folder of a run's network, and of a checkpoint's own ones
# As `find_concept` and `find_controlnet` look for them, whose modules would import torch for a list of names.
_CONCEPT_FILES = ("learned_embeds.safetensors", "learned_embeds.bin")
_CONCEPT_ENDINGS = (".safetensors", ".pt", ".bin")
_NET_ENDINGS = (".safetensors", ".pth")


def lora_places(workspace: Workspace) -> list[Path]:
    """Returns the folders of LoRAs."""
    from impasto.adapters.lora.named import lora_folders

    return [*(one for one in lora_folders() if one.is_absolute()), workspace.place("runs")]


def concept_places(workspace: Workspace) -> list[Path]:
    """Returns the folders of concepts."""
    return _places("IMPASTO_CONCEPTS", "concepts", workspace)


def control_places(workspace: Workspace) -> list[Path]:
    """Returns the folders of control networks."""
    return _places("IMPASTO_CONTROLS", "controls", workspace)


def _places(variable: str, name: str, workspace: Workspace) -> list[Path]:
    given = [Path(word).expanduser() for word in os.environ.get(variable, "").split(os.pathsep) if word]
    return [*(one for one in given if one.is_absolute()), cache_folder() / name, workspace.place("runs")]


def listed_loras(workspace: Workspace) -> dict[str, Path]:
    """Returns the LoRAs by their names."""
    from impasto.adapters.lora.files import WEIGHT_ENDINGS, find_lora

    def is_lora(path: Path) -> bool:
        return path.suffix.lower() in WEIGHT_ENDINGS if path.is_file() else find_lora(path) is not None

    return _listed(lora_places(workspace), is_lora)


def listed_concepts(workspace: Workspace) -> dict[str, Path]:
    """Returns the concepts' files and folders by their names; the words in them are `concept_words`."""
    runs = workspace.place("runs")

    def is_concept(path: Path) -> bool:
        if path.is_file():
            return path.suffix.lower() in _CONCEPT_ENDINGS and path.parent != runs
        return any((folder / name).is_file() for folder in (path, path / "concept") for name in _CONCEPT_FILES)

    return _listed(concept_places(workspace), is_concept)


def listed_nets(workspace: Workspace) -> dict[str, Path]:
    """Returns the control networks by their names."""
    runs = workspace.place("runs")

    def is_net(path: Path) -> bool:
        if path.is_file():
            return path.suffix.lower() in _NET_ENDINGS and path.parent != runs
        # A run's own config.json may be a checkpoint's; the folders for networks hold nothing else.
        return (path / CONTROL / "config.json").is_file() or (path.parent != runs and (path / "config.json").is_file())

    return _listed(control_places(workspace), is_net)


def concept_words(path: Path) -> list[str]:
    """Returns the words in a concept's file, as prompts write them; none if it cannot be read."""
    from impasto.adapters.textual_inversion import find_concept

    file = find_concept(path)
    try:
        status = None if file is None else file.stat()
    except OSError:
        return []
    return [] if status is None else list(_words(str(path), status.st_size, status.st_mtime))


@lru_cache(maxsize=500)
def _words(path: str, size: int, changed: float) -> tuple[str, ...]:
    del size, changed  # a file that was replaced is read again
    from impasto.adapters.textual_inversion import load_concepts

    try:
        return tuple(concept.name for concept in load_concepts(path))
    except ImpastoError:
        return ()


def _listed(places: list[Path], fits: Callable[[Path], bool]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in places:
        if not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if path.name[0] != "." and re.fullmatch(NAME, path.name) and fits(path):
                found.setdefault(path.stem if path.is_file() else path.name, path)
    return found


def listed_checkpoints() -> list[Any]:
    """Returns the checkpoints of this machine; the list is read again after 30 seconds."""
    import time

    return _checkpoints(int(time.monotonic() // 30))


@lru_cache(maxsize=1)
def _checkpoints(moment: int) -> list[Any]:
    del moment
    from impasto.checkpoints.listing import list_checkpoints

    return list_checkpoints()

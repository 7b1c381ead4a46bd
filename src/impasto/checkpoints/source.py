"""Resolves a checkpoint's name to its location: `pocket`, a folder, a single file, a hub name, or a training run."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.settings import cache_folder
from impasto.weights.hub import HUB_NAME, hub_folder

Kind = Literal["folder", "file"]
SINGLE_FILES = (".safetensors", ".ckpt")
CONFIGS = Path(__file__).parent / "configs" / "sd-v1"


@dataclass(frozen=True)
class Source:
    """The location of a checkpoint, and whether it is a folder or a file."""

    name: str
    kind: Kind
    path: Path


def pocket_folder() -> Path:
    """Returns the folder of the bundled checkpoint; `$IMPASTO_POCKET` overrides it with another one in the same layout."""
    chosen = os.environ.get("IMPASTO_POCKET")
    return Path(chosen).expanduser() if chosen else Path(__file__).parent / "pocket"


def own_checkpoints() -> Path:
    """Returns the folder of checkpoints that Impasto's training writes; its subfolders can be loaded by their bare names."""
    return cache_folder() / "checkpoints"


def find_source(name: str) -> Source:
    """Finds the location of the checkpoint called `name`.

    `pocket` is always the bundled one (`./pocket` is a folder). A path that exists takes precedence over a hub name.

    Raises:
        UsageError: the name is empty, or the file's type cannot be loaded.
        MissingPart: the checkpoint does not exist; for a hub name, the message says how to get it.
    """
    if not name.strip() or "\0" in name:
        raise UsageError(
            "the checkpoint's name is empty: use pocket, a folder, a .safetensors file or org/name"
        )
    if name == "pocket":
        return Source(name, "folder", _whole_pocket())
    path = Path(name).expanduser()
    try:
        if path.is_dir():
            return Source(name, "folder", _diffusers_folder(path))
        if path.is_file():
            if path.suffix.lower() not in SINGLE_FILES:
                raise UsageError(f"{name} is no checkpoint: use a folder, or a .safetensors or .ckpt file")
            return Source(name, "file", path)
        own = own_checkpoints() / name
        if path.name == name and own.is_dir():
            return Source(name, "folder", _diffusers_folder(own))
    except OSError as error:
        raise ImpastoError(f"{name[:200]} cannot be opened: {error.strerror}") from None
    if HUB_NAME.fullmatch(name) and path.suffix.lower() not in SINGLE_FILES:
        return Source(name, "folder", hub_folder(name))
    if path.name != name:
        raise MissingPart(
            f"{name[:200]} is not there: give a diffusers folder, a .safetensors file or a hub name"
        )
    raise UsageError(
        f"unknown checkpoint {name[:200]!r}: use pocket, a diffusers folder, a .safetensors or .ckpt file, "
        f"a hub name org/name, or put a folder under {own_checkpoints()}"
    )


def _whole_pocket() -> Path:
    folder = pocket_folder()
    if not (folder / "unet").is_dir():
        raise MissingPart(
            f"the pocket checkpoint is not in {folder}: reinstall impasto, set IMPASTO_POCKET to a folder "
            "that `impasto train pocket-denoiser` wrote, or use --checkpoint"
        )
    return folder


def _diffusers_folder(path: Path) -> Path:
    """Returns the folder itself, or the `checkpoint` inside a finished run's folder."""
    if (path / "model_index.json").is_file() or (path / "unet" / "config.json").is_file():
        return path
    if (path / "checkpoint" / "model_index.json").is_file():
        return path / "checkpoint"
    if (path / "lora").is_dir():
        raise UsageError(f"{path} made a LoRA: give the checkpoint it was trained on, and --lora {path}")
    if (path / "run.json").is_file():
        raise MissingPart(f"{path} has made no checkpoint yet: `impasto runs show {path}` says how it stands")
    raise MissingPart(f"{path} is no checkpoint: it holds no model_index.json")

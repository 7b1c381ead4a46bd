"""Loads upscalers by name: the bundled one, those of a run, and published weights in Real-ESRGAN's compact layout."""

from dataclasses import dataclass
from pathlib import Path

import torch

from impasto.checkpoints.upscaler.compact import CompactUpscaler, shape_of
from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.files import write_atomically
from impasto.settings import cache_folder
from impasto.weights.file_hash import hash_file
from impasto.weights.files import fill_module, read_weights

SHIPPED = Path(__file__).parent / "pocket-upscaler"
POCKET, WEIGHTS = "pocket-upscaler", "model.safetensors"
_SUFFIXES = (".safetensors", ".pth")


@dataclass(frozen=True)
class LoadedUpscaler:
    """A loaded upscaler: its network, its name, and the SHA-256 of its file."""

    network: CompactUpscaler
    name: str
    content_hash: str


def load_upscaler(name: str | Path | None = None, device: torch.device | None = None) -> LoadedUpscaler:
    """Loads the bundled upscaler (`pocket-upscaler`, `pocket` or None) or another one, in fp32 and evaluation mode.

    `name` may be a `.pth` or `.safetensors` file, a run of `impasto train pocket-upscaler` or the folder in it, or the name
    of a file under the cache's `upscalers`. Pickles are read weights-only.

    Raises:
        UsageError: there is no upscaler of that name.
        MissingPart, ImpastoError: its file is broken, would run code, or has another layout.
    """
    file = _find_file(name)
    weights = read_weights([file])
    try:
        shape = shape_of(weights)
    except ImpastoError as error:
        raise ImpastoError(f"{file}: {error}") from None
    network = fill_module(lambda: CompactUpscaler(shape), weights, file, torch.float32, device or torch.device("cpu"))
    network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    called = file.parent.name if file.name == WEIGHTS else file.stem
    return LoadedUpscaler(network, called, hash_file(file))


def _find_file(name: str | Path | None) -> Path:
    if name is None or str(name) in ("pocket", POCKET):
        if not (SHIPPED / WEIGHTS).is_file():
            raise MissingPart("no upscaler comes with this version: `impasto train pocket-upscaler` makes one")
        return SHIPPED / WEIGHTS
    path = Path(name).expanduser()
    if path.is_dir():
        for file in (path / WEIGHTS, path / "upscaler" / WEIGHTS):
            if file.is_file():
                return file
        raise MissingPart(f"{path} holds no upscaler: there is no {WEIGHTS} in it")
    if path.is_file():
        if path.suffix.lower() not in _SUFFIXES:
            raise UsageError(f"{path}: an upscaler's weights are a .safetensors or .pth file")
        return path
    kept = cache_folder() / "upscalers"
    if path.name == str(name):
        for file in (kept / path.name, *(kept / f"{path.name}{suffix}" for suffix in _SUFFIXES)):
            if file.is_file() and file.suffix in _SUFFIXES:
                return file
    raise UsageError(f"there is no upscaler {str(name)!r}: use {POCKET}, a .safetensors or .pth file, or one in {kept}")


def save_upscaler(folder: Path, network: CompactUpscaler) -> None:
    """Writes the network's weights in fp16 to a folder that `load_upscaler` reads."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu().half().contiguous() for name, value in network.state_dict().items()}
    write_atomically(folder / WEIGHTS, save(weights))

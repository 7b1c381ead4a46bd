"""Saves and loads a copy index as one `.safetensors` file, which can be shared where the training pictures must not."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from impasto.data.caches.large_arrays import IN_MEMORY
from impasto.errors import ImpastoError
from impasto.evaluation.memorization.calibration import Calibration
from impasto.evaluation.memorization.index import CopyIndex
from impasto.evaluation.memorization.picture_names import PictureNames, TrainingPicture
from impasto.evaluation.memorization.structure import SIDE, StructureEncoder
from impasto.files import written_atomically
from impasto.weights.files import one_line
from impasto.weights.header import read_header

_KEY = "impasto_copy_index"
_TYPES = {"float32": "F32", "float16": "F16", "uint8": "U8", "bool": "BOOL", "int64": "I64"}  # safetensors' names
_BLOCK = 65_536  # rows that are written together


def save_copy_index(index: CopyIndex, file: Path) -> None:
    """Writes the index to `file`, completely or not at all; it takes about 5 KB per picture.

    Raises:
        ImpastoError: the file cannot be written.
    """
    pictures = index.pictures
    names = pictures if isinstance(pictures, PictureNames) else _names(pictures)
    described = json.dumps({
        "features_name": index.features_name,
        "features_identity": index.features_identity,
        "structure_identity": StructureEncoder.identity,
    })  # fmt: skip
    arrays = {
        "name_ends": names.ends,
        "mean": index.mean,
        "projection": index.projection,
        "aspects": index.aspects,
        "calibration": index.calibration.similarities,
        "projected": index.projected,
        "calibration_same_artist": index.calibration.same_artist,
        "edges": index.edges,
        "names": names.text,
    }
    header: dict[str, object] = {"__metadata__": {_KEY: described}}
    at = 0
    for name, part in arrays.items():  # the widest numbers first, so that each array lies at a multiple of their size
        header[name] = {"dtype": _TYPES[str(part.dtype)], "shape": part.shape, "data_offsets": [at, at := at + part.nbytes]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    try:
        with written_atomically(file) as target:
            target.write(len(text).to_bytes(8, "little") + text)
            for part in arrays.values():
                for start in range(0, len(part), _BLOCK):
                    target.write(np.ascontiguousarray(part[start : start + _BLOCK]).tobytes())
    except OSError as error:
        raise ImpastoError(f"{file} cannot be written: {error.strerror}") from None


def _names(pictures: Sequence[TrainingPicture]) -> PictureNames:
    return PictureNames.of(pictures, len(pictures), sum(len(picture.line()) for picture in pictures))


def load_copy_index(file: Path) -> CopyIndex:
    """Loads a file written by `save_copy_index`; the file may be untrusted.

    Raises:
        MissingPart: there is no such file.
        ImpastoError: the file is broken or no copy index, or another version of impasto wrote it.
    """
    from safetensors import SafetensorError, safe_open

    read_header(file)
    try:
        with safe_open(file, framework="numpy") as opened:  # checks the header and the file's size
            described = (opened.metadata() or {}).get(_KEY)
        if described is None:
            raise ImpastoError(f"{file} is no copy index: `impasto data copy-index CATALOGUE FILE` writes one")
        arrays = _mapped(file)
        told = json.loads(described)
        if told["structure_identity"] != StructureEncoder.identity:
            raise ImpastoError(f"{file} was written by another version of impasto: write it again")
        if "pictures" in told:  # of an earlier version
            pictures: Sequence[TrainingPicture] = [
                TrainingPicture(**{name: str(text) for name, text in row.items()}) for row in told["pictures"]
            ]
        else:
            pictures = PictureNames(arrays.pop("names"), arrays.pop("name_ends"))
        _check(arrays, len(pictures))
        return CopyIndex(
            pictures=pictures,
            features_name=str(told["features_name"]),
            features_identity=str(told["features_identity"]),
            calibration=Calibration(arrays.pop("calibration"), arrays.pop("calibration_same_artist")),
            **arrays,
        )
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ImpastoError(f"{file} is broken ({one_line(error)}): write it again, or fetch it again") from None


def _mapped(file: Path) -> dict[str, np.ndarray]:
    """Returns the arrays of a file whose header was checked; large ones are memory-mapped."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        header = json.loads(opened.read(length))
    kinds = {kind: name for name, kind in _TYPES.items()}
    found: dict[str, np.ndarray] = {}
    for name, told in header.items():
        if name != "__metadata__":
            kind, shape = np.dtype(kinds[told["dtype"]]), tuple(told["shape"])
            begin, end = told["data_offsets"]
            size = end - begin
            if size > IN_MEMORY:
                found[name] = np.memmap(file, kind, "r", 8 + length + begin, shape)
            else:
                flat = np.fromfile(file, np.uint8, size, offset=8 + length + begin)
                found[name] = flat.view(kind).reshape(shape)
    return found


def _check(arrays: dict[str, np.ndarray], pictures: int) -> None:
    """Raises ValueError if the arrays are not those of an index of `pictures` pictures."""
    inputs, width = arrays["projection"].shape
    works = arrays["calibration"].size
    wanted = {
        "mean": ("float32", (inputs,)),
        "projection": ("float32", (inputs, width)),
        "projected": ("float16", (pictures, width)),
        "edges": ("uint8", (pictures, SIDE * SIDE)),
        "aspects": ("float32", (pictures,)),
        "calibration": ("float32", (works,)),
        "calibration_same_artist": ("bool", (works,)),
    }
    found = {name: (str(part.dtype), part.shape) for name, part in arrays.items()}
    if not pictures or found != wanted:
        raise ValueError("its parts do not fit each other")
    for name in ("mean", "projection", "projected", "aspects", "calibration"):
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name} holds what is no number")
    if arrays["aspects"].min() <= 0:
        raise ValueError("an aspect is not above 0")

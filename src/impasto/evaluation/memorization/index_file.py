"""Saves and loads a copy index as one `.safetensors` file, which can be shared where the training pictures must not."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from impasto.errors import ImpastoError
from impasto.evaluation.memorization.calibration import Calibration
from impasto.evaluation.memorization.index import CopyIndex, TrainingPicture
from impasto.evaluation.memorization.structure import SIDE, StructureEncoder
from impasto.files import write_atomically
from impasto.weights.files import one_line
from impasto.weights.header import read_header

_KEY = "impasto_copy_index"


def save_copy_index(index: CopyIndex, file: Path) -> None:
    """Writes the index to `file`, completely or not at all; it takes about 5 KB per picture.

    Raises:
        ImpastoError: the file cannot be written.
    """
    from safetensors.numpy import save

    described = json.dumps({
        "features_name": index.features_name,
        "features_identity": index.features_identity,
        "structure_identity": StructureEncoder.identity,
        "pictures": [asdict(picture) for picture in index.pictures],
    })  # fmt: skip
    arrays = {
        "mean": index.mean,
        "projection": index.projection,
        "projected": index.projected,
        "edges": index.edges,
        "aspects": index.aspects,
        "calibration": index.calibration.similarities,
        "calibration_same_artist": index.calibration.same_artist,
    }
    try:
        write_atomically(file, save({name: np.ascontiguousarray(part) for name, part in arrays.items()}, {_KEY: described}))
    except OSError as error:
        raise ImpastoError(f"{file} cannot be written: {error.strerror}") from None


def load_copy_index(file: Path) -> CopyIndex:
    """Loads a file written by `save_copy_index`; the file may be untrusted.

    Raises:
        MissingPart: there is no such file.
        ImpastoError: the file is broken or no copy index, or another version of impasto wrote it.
    """
    from safetensors import SafetensorError, safe_open

    read_header(file)
    try:
        with safe_open(file, framework="numpy") as opened:
            described = (opened.metadata() or {}).get(_KEY)
            if described is None:
                raise ImpastoError(f"{file} is no copy index: `impasto data copy-index CATALOGUE FILE` writes one")
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - it is no dictionary
        told = json.loads(described)
        if told["structure_identity"] != StructureEncoder.identity:
            raise ImpastoError(f"{file} was written by another version of impasto: write it again")
        pictures = [TrainingPicture(**{name: str(text) for name, text in row.items()}) for row in told["pictures"]]
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

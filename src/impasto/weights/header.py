"""Reads the structure of weights files without loading them: safetensors headers and shard indexes."""

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, MissingPart

HEADER_LIMIT = 100_000_000  # bytes: the limit of the safetensors format itself
WHOLE_AGAIN = "copy or download it again"
INT8_FORMAT = "impasto-int8"  # of files that `impasto.weights.int8` writes


def read_json(path: Path, kind: type = dict) -> Any:
    """Reads the JSON object (or, with `kind=list`, array) in a file.

    Raises:
        MissingPart: there is no such file.
        ImpastoError: it cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise MissingPart(f"{path} is missing: the checkpoint is not whole, {WHOLE_AGAIN}") from None
    except OSError as error:
        raise ImpastoError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise ImpastoError(f"{path} is not valid JSON: {WHOLE_AGAIN}") from None
    if not isinstance(content, kind):
        raise ImpastoError(f"{path} must hold a JSON {'object' if kind is dict else 'array'}: {WHOLE_AGAIN}")
    return content


def read_header(path: Path) -> dict[str, tuple[int, ...]]:
    """Reads the header of a safetensors file: name -> shape of every tensor. The file must be as long as its header says.

    Raises:
        MissingPart: there is no such file.
        ImpastoError: the file is truncated, a Git LFS pointer, or not safetensors at all.
    """
    return _read_whole_header(path)[0]


def is_int8(path: Path) -> bool:
    """Returns whether a safetensors file's metadata declares the format of `impasto.weights.int8`.

    Raises:
        MissingPart, ImpastoError: as `read_header`.
    """
    return _read_whole_header(path)[1].get("format") == INT8_FORMAT


def _read_whole_header(path: Path) -> tuple[dict[str, tuple[int, ...]], Mapping[str, Any]]:
    """Returns name -> shape, and the metadata."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            if start == b"version ":
                raise ImpastoError(
                    f"{path} is a Git LFS pointer, not weights: run `git lfs pull` in its folder"
                )
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else HEADER_LIMIT + 1
            if length > min(HEADER_LIMIT, size - 8):
                raise ImpastoError(f"{path} is not a whole safetensors file ({size} bytes): {WHOLE_AGAIN}")
            header = json.loads(file.read(length))
        metadata = header.pop("__metadata__", None)
        ends = [entry["data_offsets"][1] for entry in header.values()]
        shapes = {name: tuple(int(n) for n in entry["shape"]) for name, entry in header.items()}
    except FileNotFoundError:
        raise MissingPart(f"{path} is missing: the checkpoint is not whole, {WHOLE_AGAIN}") from None
    except OSError as error:
        raise ImpastoError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise ImpastoError(f"{path} is not a safetensors file: {WHOLE_AGAIN}") from None
    wanted = 8 + length + max(ends, default=0)
    if wanted != size:
        raise ImpastoError(f"{path} is cut short: {size} of {wanted} bytes, {WHOLE_AGAIN}")
    return shapes, metadata if isinstance(metadata, Mapping) else {}


def weight_files(folder: Path, stem: str) -> list[Path]:
    """Finds the weights files of the part in `folder`: the first found of single, sharded, fp16, int8, pickle.

    `stem` is diffusers' `diffusion_pytorch_model` or transformers' `model`.

    Raises:
        MissingPart: none of them exists, or a shard is missing.
        ImpastoError: a broken index.
    """
    for variant in ("", ".fp16", ".int8"):
        whole = folder / f"{stem}{variant}.safetensors"
        if whole.is_file():
            return [whole]
        index = folder / f"{stem}.safetensors.index{variant}.json"
        if index.is_file():
            return _shards(folder, index)
    pickle = folder / ("pytorch_model.bin" if stem == "model" else f"{stem}.bin")
    if pickle.is_file():
        return [pickle]
    raise MissingPart(f"{folder} holds no {stem}.safetensors: the checkpoint is not whole, {WHOLE_AGAIN}")


def _shards(folder: Path, index: Path) -> list[Path]:
    where = read_json(index).get("weight_map")
    if not isinstance(where, Mapping) or not where:
        raise ImpastoError(f"{index} holds no weight_map: {WHOLE_AGAIN}")
    names = sorted({str(name) for name in where.values()})
    for name in names:
        # A shard must be beside its index; otherwise an index could cause files elsewhere to be read.
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ImpastoError(f"{index} names {name!r}, which is no .safetensors file beside it")
        if not (folder / name).is_file():
            raise MissingPart(f"{folder / name} is missing, of {len(names)} files of weights: {WHOLE_AGAIN}")
    return [folder / name for name in names]


def count_parameters(files: list[Path]) -> int | None:
    """Counts the parameters in safetensors files; None if a file is a pickle, which would have to be loaded."""
    if any(file.suffix != ".safetensors" for file in files):
        return None
    headers = [_read_whole_header(file) for file in files]
    return sum(
        math.prod(shape)
        for shapes, metadata in headers
        for name, shape in shapes.items()
        if not name.endswith("position_ids")
        and not (metadata.get("format") == INT8_FORMAT and name.removesuffix(".scale") in shapes.keys() - {name})
    )

"""Reads and writes the result of a pack's training: one safetensors file of weights, split into files below 16 MiB each."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from impasto.errors import ImpastoError
from impasto.files import write_atomically

PART = 15 * 2**20  # bytes
MOST_PARTS = 6  # with log and sheet: 8 files
LOG, SHEET = "log.json", "sheet.png"
_SUM = 32


def states_to_tensors(averaged: Mapping[str, Any], raw: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Converts weights by model to `averaged/<model>/<name>` in fp16 and `raw/...`, the differences to them in int8.

    The int8 values have scales. The last (raw) weights are near the averaged ones, so they are exact to a hundredth of the
    difference between the two.
    """
    kept: dict[str, torch.Tensor] = {}
    for model, state in averaged.items():
        for name, value in state.items():
            plain = value.detach().to("cpu", torch.float32)
            half = plain.half()
            kept[f"averaged/{model}/{name}"] = half.contiguous()
            apart = raw[model][name].detach().to("cpu", torch.float32) - half.float()
            rows = apart.reshape(len(apart), -1) if apart.ndim > 1 else apart.reshape(1, -1)
            scale = rows.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127
            kept[f"raw/{model}/{name}"] = (rows / scale).round().to(torch.int8).reshape(apart.shape).contiguous()
            kept[f"raw/{model}/{name}.scale"] = scale[:, 0].contiguous()
    return kept


def states_from_tensors(kept: Mapping[str, torch.Tensor]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Restores (averaged, raw) from the result of `states_to_tensors`, fp32; raw is empty if it was left out."""
    averaged: dict[str, Any] = {}
    raw: dict[str, Any] = {}
    for key, value in kept.items():
        kind, _, rest = key.partition("/")
        if kind != "averaged":
            continue
        model, _, name = rest.partition("/")
        averaged.setdefault(model, {})[name] = value.float()
        apart = kept.get(f"raw/{rest}")
        if apart is not None:
            rows = apart.float().reshape(len(apart), -1) if apart.ndim > 1 else apart.float().reshape(1, -1)
            found = (rows * kept[f"raw/{rest}.scale"][:, None]).reshape(apart.shape)
            raw.setdefault(model, {})[name] = value.float() + found
    return averaged, raw


def write_weights(folder: Path, tensors: Mapping[str, torch.Tensor], told: Mapping[str, Any]) -> int:
    """Writes `weights-<n>.bin`, each whole before the first is replaced; returns their bytes.

    If there were more than `MOST_PARTS` files, the raw weights are left out.

    Raises:
        ImpastoError: the weights are still too large.
    """
    data = _packed(tensors, told)
    if len(data) > PART * MOST_PARTS:
        data = _packed({name: value for name, value in tensors.items() if not name.startswith("raw/")}, told)
    if len(data) > PART * MOST_PARTS:
        raise ImpastoError(f"weights of {len(data) / 1e6:.0f} MB do not fit into {MOST_PARTS} files of 15 MiB")
    folder.mkdir(parents=True, exist_ok=True)
    parts = [data[start : start + PART] for start in range(0, len(data), PART)]
    waiting = [folder / f".weights-{n}.part" for n in range(len(parts))]
    for path, part in zip(waiting, parts, strict=True):
        with path.open("wb") as file:
            file.write(part)
            file.flush()
            os.fsync(file.fileno())
    for number, path in enumerate(waiting):
        path.replace(folder / f"weights-{number}.bin")
    return len(data)


def _packed(tensors: Mapping[str, torch.Tensor], told: Mapping[str, Any]) -> bytes:
    data = save(dict(tensors), {"impasto": json.dumps(told)})
    return data + hashlib.sha256(data).digest()


def read_weights(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Reads (tensors, metadata) from the files that `write_weights` wrote.

    Raises:
        ImpastoError: there are no files, or they are not whole.
    """
    paths = sorted(folder.glob("weights-*.bin"), key=lambda path: int(path.stem.rpartition("-")[2]))
    if not paths:
        raise ImpastoError(f"{folder} holds no weights-0.bin: give the folder that train.py wrote")
    whole = b"".join(path.read_bytes() for path in paths)
    data, digest = whole[:-_SUM], whole[-_SUM:]
    if hashlib.sha256(data).digest() != digest:
        raise ImpastoError(f"the weights in {folder} are not whole: a file is missing or of another minute")
    length = int.from_bytes(data[:8], "little")
    told = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["impasto"])
    return load(data), told


def write_log(folder: Path, log: Mapping[str, Any]) -> None:
    """Writes `log.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / LOG, json.dumps(log, indent=1).encode())

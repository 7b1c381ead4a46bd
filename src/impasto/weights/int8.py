"""Int8 weight quantization, in half the bytes of fp16: weights of two or more dimensions have one scale per output channel.

A file in this format is a safetensors file with the metadata {"format": "impasto-int8"}: `<name>` holds the int8 values
[out, ...], `<name>.scale` their scales, fp16 [out], and the weight is their product. Tensors of one dimension (biases,
norms) are fp16. The file name is `diffusion_pytorch_model.int8.safetensors`; shards and their index have the variant `int8`
where diffusers puts it.

A scale has four significant bits and the values have seven, so every product is exactly representable in fp16: the weights
can be written in fp16 and paint the same pictures. This costs at most an eighth of the resolution.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.weights.header import INT8_FORMAT

STEM = "diffusion_pytorch_model"
SCALE = ".scale"
SHARD_BYTES = 15_000_000  # every file of a small checkpoint stays below 16 MiB
_LARGEST = 127
_FINEST = -24  # fp16's smallest number is 2 ** -24


def quantize(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Quantizes weights of any precision; returns the tensors of a file in this format.

    Raises:
        ImpastoError: a weight is not a number, or too large for fp16.
    """
    kept: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        value = value.detach()
        if not value.is_floating_point():
            kept[name] = value.contiguous()
            continue
        value = value.float()
        if not torch.isfinite(value).all() or (value.numel() and value.abs().max() > torch.finfo(torch.float16).max):
            raise ImpastoError(f"the weights {name} hold what is no number in fp16: they cannot be kept as int8")
        if value.ndim < 2:
            kept[name] = value.half().contiguous()
            continue
        scale = _scales(value.flatten(1).abs().amax(dim=1))
        levels = (value / _by_channel(scale, value.ndim)).round().clamp(-_LARGEST, _LARGEST)
        kept[name], kept[name + SCALE] = levels.to(torch.int8).contiguous(), scale.half()
    return kept


def _scales(largest: torch.Tensor) -> torch.Tensor:
    """Rounds `largest` / 127 up to a number of four significant bits that fp16 can hold: fp32 [out]."""
    wanted = largest / _LARGEST
    _, exponent = torch.frexp(wanted)
    unit = torch.ldexp(torch.ones_like(wanted), (exponent - 4).clamp(min=_FINEST))
    return torch.maximum((wanted / unit).ceil() * unit, torch.full_like(unit, 2.0**_FINEST))


def _by_channel(scale: torch.Tensor, dimensions: int) -> torch.Tensor:
    return scale.float().view(-1, *[1] * (dimensions - 1))


def dequantize(kept: Mapping[str, torch.Tensor], dtype: torch.dtype = torch.float16) -> dict[str, torch.Tensor]:
    """Reconstructs the weights from `quantize`'s tensors, in `dtype`; fp16 and fp32 hold them exactly.

    Raises:
        ImpastoError: the scales of int8 values are missing or have another shape.
    """
    state: dict[str, torch.Tensor] = {}
    scales = {name + SCALE for name, value in kept.items() if value.dtype == torch.int8}
    for name, value in kept.items():
        if name in scales:
            continue
        if value.dtype == torch.int8:
            scale = kept.get(name + SCALE)
            if scale is None or scale.shape != value.shape[:1]:
                raise ImpastoError(f"the int8 weights {name} lack their scales, one an output channel")
            value = value.float() * _by_channel(scale, value.ndim)
        state[name] = value.to(dtype) if value.is_floating_point() else value
    return state


def save_int8(module: Any, folder: Path, state: Mapping[str, torch.Tensor] | None = None) -> None:
    """Writes a diffusers model (`config.json` and its weights in this format) into `folder`, in files below 16 MiB.

    The folder is created if it is missing; each file is written atomically. The module is not changed.

    Args:
        state: the weights to write, in place of all of the module's.
    """
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    module.save_config(folder)
    shards = list(_shards(quantize(module.state_dict() if state is None else state)))
    metadata = {"format": INT8_FORMAT}
    if len(shards) == 1:
        write_atomically(folder / f"{STEM}.int8.safetensors", save(shards[0], metadata))
        return
    where: dict[str, str] = {}
    for number, shard in enumerate(shards, start=1):
        file = f"{STEM}.int8-{number:05d}-of-{len(shards):05d}.safetensors"
        write_atomically(folder / file, save(shard, metadata))
        where |= dict.fromkeys(shard, file)
    index = {"metadata": metadata, "weight_map": where}
    write_atomically(folder / f"{STEM}.safetensors.index.int8.json", json.dumps(index, indent=1).encode())


def _shards(kept: Mapping[str, torch.Tensor]) -> Iterator[dict[str, torch.Tensor]]:
    """Splits `kept` into shards of at most SHARD_BYTES, unless one weight is larger; a weight's scales stay with it."""
    shard: dict[str, torch.Tensor] = {}
    size = 0
    for name, value in kept.items():
        if size and size + value.nbytes > SHARD_BYTES and not name.endswith(SCALE):
            yield shard
            shard, size = {}, 0
        shard[name] = value
        size += value.nbytes
    yield shard

"""Loads weights from files into modules. No code in the files is run: safetensors, or pickles loaded weights-only."""

import pickle
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate import init_empty_weights
from torch.overrides import TorchFunctionMode

from impasto.errors import ImpastoError, MissingPart
from impasto.weights.header import WHOLE_AGAIN, is_int8, weight_files

Module = TypeVar("Module", bound=torch.nn.Module)
IGNORED = re.compile(r"(^|\.)position_ids$")  # a buffer that older transformers saved
# The keys under which trainers store the weights beside other state (params: BasicSR, the average first; model: BLIP, RAM).
_INSIDE = ("state_dict", "params_ema", "params", "model")


class HostileFile(ImpastoError):
    """A pickle that would run code if it were loaded as pickles usually are. It was not run."""


def read_weights(files: list[Path]) -> dict[str, torch.Tensor]:
    """Reads all tensors of a part, on the CPU, as stored in the files (safetensors are mapped, not copied); int8 becomes
    fp16.

    Raises:
        MissingPart, ImpastoError: a file is missing, truncated, or a pickle that would run code.
    """
    weights: dict[str, torch.Tensor] = {}
    for file in files:
        weights.update(_read_safetensors(file) if is_safetensors(file) else read_pickle(file))
    return {name: value for name, value in weights.items() if not IGNORED.search(name)}


def read_model_weights(folder: Path, stem: str, dtype: torch.dtype = torch.float16) -> dict[str, torch.Tensor]:
    """Reads all weights of a diffusers model's folder, floating-point ones in `dtype`.

    Raises:
        MissingPart, ImpastoError: a file is missing or broken.
    """
    weights = read_weights(weight_files(folder, stem))
    return {name: value.to(dtype) if value.is_floating_point() else value for name, value in weights.items()}


def is_safetensors(file: Path) -> bool:
    """Returns whether a file is read as safetensors: by its content, whatever its ending; by its ending if it is cut short.

    Raises:
        ImpastoError: it is a web page, or a pickle under the name of a safetensors file.
    """
    by_name = file.suffix.lower() == ".safetensors"
    try:
        with file.open("rb") as opened:
            start = opened.read(64)
    except OSError:
        return by_name
    if start[8:9] == b"{" and not start.startswith(b"PK"):  # 8 bytes of length, then JSON
        return True
    if start.lstrip()[:1] == b"<" and re.match(rb"\s*<(!doctype|html|\?xml)", start, re.IGNORECASE):
        raise ImpastoError(f"{file} is a web page, not weights: download the file itself")
    if by_name and (start.startswith(b"PK\x03\x04") or re.match(rb"\x80[\x02-\x05]", start)):
        raise ImpastoError(f"{file} is a pickle under the name of a safetensors file: give it the ending .pt")
    return by_name


def _read_safetensors(file: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    packed = is_int8(file)
    try:
        weights = load_file(file)
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise ImpastoError(f"{file} cannot be read ({one_line(error)}): {WHOLE_AGAIN}") from None
    if not packed:
        return weights
    from impasto.weights.int8 import dequantize

    try:
        return dequantize(weights)
    except ImpastoError as error:
        raise ImpastoError(f"{file}: {error}") from None


def read_pickle(file: Path, device: str = "cpu") -> dict[str, torch.Tensor]:
    """Reads the tensors of a `.ckpt`, `.bin` or `.pth` pickle, loaded weights-only: no code in it is ever run.

    Raises:
        ImpastoError: it is broken, or holds more than tensors.
    """
    content = read_content(file, device)
    if isinstance(content, Mapping):
        content = next((content[name] for name in _INSIDE if isinstance(content.get(name), Mapping)), content)
    if not isinstance(content, Mapping):
        raise ImpastoError(f"{file} holds no weights: a checkpoint is a dictionary of tensors")
    return {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor)}


def read_content(file: Path, device: str = "cpu") -> Any:
    """Reads what a pickle holds, loaded weights-only: tensors, numbers, texts, lists and dictionaries of them.

    Raises:
        MissingPart: there is no such file.
        HostileFile: it names code.
        ImpastoError: it is broken, or holds more than that.
    """
    if not file.is_file():
        raise MissingPart(f"{file} is missing: the checkpoint is not whole, {WHOLE_AGAIN}")
    try:
        with warnings.catch_warnings(action="ignore"):  # torch warns about the pickle's protocol
            # Mapped, the state of an optimizer beside the weights (4 GB of RAM's 6) is never read.
            mapped = device == "cpu" and zipfile.is_zipfile(file)
            return torch.load(file, map_location=device, weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        # torch names the class that it does not load; in a damaged file it names an instruction, or nothing.
        wanted = re.search(r"(?:GLOBAL|class) ([\w.]+)", str(error))
        if wanted is None:
            raise ImpastoError(
                f"{file} is refused: it is damaged, or a pickle that holds more than tensors; use a .safetensors file"
            ) from None
        raise HostileFile(
            f"{file} is refused: it wants to run code when loaded ({wanted[1]}); use a .safetensors file"
        ) from None
    except Exception as error:  # torch and pickle raise nearly any exception on damaged files
        raise ImpastoError(f"{file} cannot be read ({one_line(error)}): {WHOLE_AGAIN}") from None


def fill_module(
    make: Callable[[], Module],
    weights: dict[str, torch.Tensor],
    source: Path,
    dtype: torch.dtype,
    device: torch.device,
) -> Module:
    """Builds a module with `make` and loads `weights` into it, in evaluation mode; every name and shape must fit.

    On the device `meta` the parameters have shapes but no memory, and mapped weights are not read.

    Raises:
        ImpastoError: the config cannot be built, or weights are missing, left over or of another shape.
    """
    try:
        # Parameters are neither allocated twice nor initialised needlessly; buffers are, since no file holds them.
        with init_empty_weights(include_buffers=False), _Uninitialised():
            module = make()
    except Exception as error:  # a wrong config can make a constructor raise any exception
        raise ImpastoError(f"{source}: its config describes no model ({one_line(error)})") from None
    _rename_old_attention(module, weights)
    wanted = module.state_dict()
    for name, value in wanted.items():
        if name not in weights:
            raise ImpastoError(f"{source} lacks the weights {name}: it does not fit its config")
        if weights[name].shape != value.shape:
            found, needed = list(weights[name].shape), list(value.shape)
            raise ImpastoError(f"{source}: {name} has shape {found}, but its config asks for {needed}")
    left_over = sorted(set(weights) - set(wanted))
    if left_over:
        raise ImpastoError(f"{source} holds weights {left_over[0]} that its config has no place for")
    if device.type == "meta":
        weights = {name: value.to(device) for name, value in weights.items()}
    cast = {n: value.to(dtype) if value.is_floating_point() else value for n, value in weights.items()}
    module.load_state_dict(cast, assign=True)
    module.to(device)
    return module.eval().requires_grad_(False)


_FILLS = frozenset({torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.zero_, torch.Tensor.fill_})


class _Uninitialised(TorchFunctionMode):
    """Skips what initialises parameters without memory: for them it would load torch's compiler, and do nothing."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if func in _FILLS or getattr(func, "__module__", None) == "torch.nn.init":
            tensor = given["tensor"] if "tensor" in given else args[0]
            if tensor.is_meta:
                return tensor
        return func(*args, **given)


def _rename_old_attention(module: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Renames attention keys from before diffusers 0.12, which Stable Diffusion's VAE on the hub still has."""
    rename = getattr(module, "_fix_state_dict_keys_on_load", None)
    if rename is not None:
        rename(weights)


def one_line(error: BaseException) -> str:
    """Returns an exception's first line, cut to a readable length."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:160]

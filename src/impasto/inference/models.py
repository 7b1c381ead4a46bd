"""Compiled OpenVINO models of one checkpoint or network: from the cache, else converted and kept there."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from impasto.inference import runtime, store
from impasto.inference.runtime import CannotRun, Samples

# Bytes in use at once, as a multiple of the weights': while converting, the graph's, the compiled ones and their file.
_CONVERTING, _RUNNING = 3.5, 2.2

Say = Callable[[str], None]
# A torch module, and small inputs by which it is traced.
Traced = tuple[nn.Module, tuple[torch.Tensor, ...]]


@dataclass(frozen=True)
class Weights:
    """What a model is made of, for one that is not loaded while its converted form is in the cache.

    Attributes:
        content: a hash over its weights and all else that it is made of.
        size: bytes of its weights in fp32.
    """

    content: str
    size: int


@dataclass(frozen=True)
class Part:
    """One compiled model.

    Attributes:
        name: in the list of the cache; with the sizes that it is for.
        shapes: of its inputs; -1 for sizes that vary.
        trace: makes what is converted.
        graph: the name of its graph, if that serves several sizes.
        samples: for int8, returns inputs as they occur.
    """

    name: str
    shapes: Sequence[Sequence[int]]
    trace: Callable[[], Traced]
    graph: str = ""
    samples: Callable[[], Samples] | None = None


class CompiledModels:
    """Compiled models by the hash of what they are made from.

    Attributes:
        precision: fp32, bf16 or int8.
        say: told what does not work as usual.
    """

    def __init__(self, name: str, precision: str, say: Say, graphs: int) -> None:
        """`name`: of the checkpoint or network, for the list of the cache.

        `graphs`: the number of what the traced modules compute and take: models of another number are converted anew.
        """
        self.precision = precision
        self.say = say
        self._name, self._number = name, graphs
        self._hashes: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()
        self._found: set[str] = set()
        self._graphs: dict[str, Any] = {}

    def key(self, model: nn.Module | Weights, part: str) -> str:
        """Returns the key of a model in the cache: over its weights, with adapters, and all else that it depends on."""
        known = self._content(model)
        library = runtime.library_version(self.precision)
        made_of = [part, self._number, library, torch.__version__, self.precision, runtime.cpu_identity(), known]
        return hashlib.sha256("\n".join(map(str, made_of)).encode()).hexdigest()

    def _content(self, model: nn.Module | Weights) -> str:
        if isinstance(model, Weights):
            return model.content
        if model not in self._hashes:
            self._hashes[model] = model_hash(model)
        return self._hashes[model]

    def is_kept(self, model: nn.Module | Weights, part: str) -> bool:
        """Returns whether the compiled `part`, or its graph, is in the cache, or was made or found by this object."""
        key = self.key(model, part)
        if key not in self._found and store.find_model(key) is not None:
            self._found.add(key)
        return key in self._found

    def request(self, model: nn.Module | Weights, part: Part) -> Any:
        """Returns a request that runs a compiled part: from the cache, else from its graph, else converted.

        Raises:
            CannotRun: there is too little memory, or it cannot be converted.
        """
        key = self.key(model, part.name)
        size = model.size if isinstance(model, Weights) else sum(tensor.numel() * 4 for tensor in model.parameters())
        kept = store.find_model(key)
        _require_memory(size * (_CONVERTING if kept is None else _RUNNING))
        if kept is not None:
            try:
                return runtime.imported(kept.read_bytes(), self.precision).create_infer_request()
            except (CannotRun, OSError) as error:
                self.say(f"{error}: it is converted again")
        data = runtime.exported(runtime.compiled(self._graph(model, part), part.shapes, self.precision))
        self._keep(key, data, part.name)
        # From its bytes this time, too: a model that was compiled but not exported rounds some sums otherwise.
        return runtime.imported(data, self.precision).create_infer_request()

    def _graph(self, model: nn.Module | Weights, part: Part) -> Any:
        """Returns the part's graph; one that serves several sizes is kept in the cache."""
        if not part.graph:
            return runtime.convert(*part.trace(), self.precision, part.samples)
        key = self.key(model, part.graph)
        if key not in self._graphs:
            kept = store.find_model(key)
            try:
                self._graphs[key] = None if kept is None else runtime.unpacked(kept.read_bytes())
            except (CannotRun, OSError) as error:
                self.say(f"{error}: it is converted again")
                self._graphs[key] = None
            if self._graphs[key] is None:
                self._graphs[key] = runtime.convert(*part.trace(), self.precision, part.samples)
                self._keep_graph(key, part.graph)
        return self._graphs[key]

    def _keep_graph(self, key: str, name: str) -> None:
        try:
            data = runtime.packed(self._graphs[key])
        except (OSError, RuntimeError) as error:  # it goes through a file
            self.say(f"the {name} is not kept for the next time: {runtime.last_line(error)}")
        else:
            self._keep(key, data, name)

    def _keep(self, key: str, data: bytes, part: str) -> None:
        try:
            store.keep_model(
                key, data, name=self._name, part=part,
                engine=f"openvino {runtime.library_version(self.precision)}", precision=self.precision,
            )  # fmt: skip
        except store.NotKept as error:
            self.say(f"the converted {part} is not kept for the next time: {error}")
        self._found.add(key)


def model_hash(model: nn.Module) -> str:
    """Returns SHA-256 over a model's class, configuration, attention processors and weights, hexadecimal."""
    # Without diffusers' own notes, such as "_use_default_values", whose order changes from process to process.
    config = {name: value for name, value in dict(getattr(model, "config", {})).items() if not name.startswith("_")}
    hashed = hashlib.sha256(f"{type(model).__qualname__}\n{json.dumps(config, sort_keys=True, default=str)}".encode())
    for name, module in model.named_modules():
        layer: Any = module
        kind = type(getattr(layer, "processor", None)).__qualname__
        hashed.update(f"{name}\n{type(module).__qualname__}\n{kind}\n".encode())
    for name, tensor in sorted(model.state_dict().items()):
        hashed.update(f"{name}\n{tensor.dtype}\n{tuple(tensor.shape)}\n".encode())
        hashed.update(tensor.detach().contiguous().view(-1).view(torch.uint8).numpy())
    return hashed.hexdigest()


def _require_memory(needed: float) -> None:
    free = runtime.available_memory()
    if free is not None and needed > free:
        raise CannotRun(f"OpenVINO needs {needed / 2**30:.1f} GB of memory for it and {free / 2**30:.1f} are free")

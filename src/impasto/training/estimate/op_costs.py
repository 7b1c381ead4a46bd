"""Counts the cost of tensor operations as they run: bytes in use, floating-point operations, bytes moved.

On the meta device nothing is computed and no weight needs memory, but the counts are those of a real run.
"""

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

_ATEN = torch.ops.aten
_ATTENTION = _ATEN._scaled_dot_product_flash_attention_for_cpu
_ATTENTION_BACKWARD = _ATEN._scaled_dot_product_flash_attention_for_cpu_backward


class OpCosts(TorchDispatchMode):
    """Counts the cost of the operations inside its `with` block.

    Attributes:
        alive: bytes of all storages that were made, or added by `hold`, and are still referenced.
        peak: the maximum of `alive`.
        flops: of matrix products, convolutions and attention; a multiplication with its addition is two.
        moved: bytes that operations read and wrote, each operand once.
        operations: the number of operations.
    """

    def __init__(self) -> None:
        super().__init__()
        self.alive = self.peak = self.flops = self.moved = self.operations = 0
        self._known: set[int] = set()

    def hold(self, *tensors: torch.Tensor) -> None:
        """Counts the tensors' storages, each once, as long as it exists."""
        for tensor in tensors:
            storage = tensor.untyped_storage()
            if storage._cdata not in self._known:
                self._known.add(storage._cdata)
                self.alive += storage.nbytes()
                self.peak = max(self.peak, self.alive)
                weakref.finalize(storage, self._let_go, storage._cdata, storage.nbytes())

    def _let_go(self, storage: int, size: int) -> None:
        self._known.discard(storage)
        self.alive -= size

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        kwargs = kwargs or {}
        made = _made(func, args, kwargs)
        outcome = list(_tensors(made))
        self.hold(*outcome)
        if not func.is_view:
            self.operations += 1
            self.moved += sum(tensor.nbytes for tensor in (*_tensors(args), *outcome))
            self.flops += _flops(func, args, kwargs, made)
        return made


# What operations on the meta device gave: without it, most of the time of a count is torch's finding the same shapes again.
_GIVEN: dict[tuple[Any, ...], list[tuple[torch.Size, tuple[int, ...], torch.dtype] | None]] = {}
_MOST_GIVEN = 20_000


def _made(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Returns what `func` returns. An operation that was met before with the same shapes is not run again."""
    schema = func._schema
    aliases = func.is_view or any(value.alias_info is not None for value in schema.returns)
    if not schema.returns or schema.is_mutable or aliases:
        return func(*args, **kwargs)
    try:
        key = func, _described(args), tuple((name, _described(value)) for name, value in sorted(kwargs.items()))
        given = _GIVEN.get(key)
    except TypeError:  # a kind of tensor, or of argument, that is not described
        return func(*args, **kwargs)
    several = len(schema.returns) != 1
    if given is not None:
        tensors = [None if of is None else torch.empty_strided(of[0], of[1], dtype=of[2], device="meta") for of in given]
        return tuple(tensors) if several else tensors[0]
    made = func(*args, **kwargs)
    parts = list(made) if several else [made]
    if all(part is None or (type(part) is torch.Tensor and part.is_meta) for part in parts):
        if len(_GIVEN) >= _MOST_GIVEN:
            _GIVEN.clear()
        _GIVEN[key] = [None if part is None else (part.shape, part.stride(), part.dtype) for part in parts]
    return made


def _described(value: Any) -> Any:
    """Returns what the shapes of an operation's results depend on, hashable.

    Raises:
        TypeError: the value is a tensor with content, or of a class of its own.
    """
    if isinstance(value, torch.Tensor):
        if type(value) not in (torch.Tensor, torch.nn.Parameter) or not value.is_meta:
            raise TypeError
        return value.shape, value.stride(), value.storage_offset(), value.dtype
    if isinstance(value, list | tuple):
        return tuple(_described(inner) for inner in value)
    return type(value), value


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _tensors(inner)


def _flops(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], made: Any) -> int:
    operation = func.overloadpacket
    if operation is _ATTENTION:  # torch's own table contains only the kernels of GPUs
        return sdpa_flop_count(*(tensor.shape for tensor in args[:3]))
    if operation is _ATTENTION_BACKWARD:
        return sdpa_backward_flop_count(*(tensor.shape for tensor in args[:4]))
    formula: Callable[..., int] | None = flop_registry.get(operation)
    return 0 if formula is None else formula(*args, **kwargs, out_val=made)


@contextmanager
def memory_saving_attention() -> Iterator[None]:
    """Makes attention on the meta device use a CPU's kernel (in effect also a GPU's), which keeps no matrix of all pairs.

    By default torch uses there the one kernel that keeps the matrix.
    """

    def attend(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        **_: Any,
    ) -> torch.Tensor:
        return _ATTENTION(query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale)[0]

    usual = functional.scaled_dot_product_attention
    functional.scaled_dot_product_attention = attend
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = usual

"""A cache of loaded checkpoints that is kept between jobs: a queue of paintings loads a checkpoint once."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from impasto.adapters.merge import ConceptChoice, LoraChoice
    from impasto.checkpoints.components import Components
    from impasto.painting.painter import Painter

MOST_BYTES = 6 << 30

_Base = tuple[str, str, str, str]  # name, content hash, device, precision


class PainterPool:
    """A cache of painters by checkpoint, device and precision, with the adapters of each job.

    A checkpoint's weights stay loaded. Adapters are merged into copies of the weights that they change, so another LoRA does
    not reload the checkpoint. The least recently used painter is evicted first. The pool is safe to call from several
    threads; a painter itself is for one thread at a time.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Creates an empty pool.

        Args:
            most_bytes: limit for the weights of the kept checkpoints; the most recently used painter stays, whatever its
                size. OpenVINO's models of a painter take about as much again, which is not counted.
        """
        self._most = most_bytes
        self._bases: OrderedDict[_Base, Components] = OrderedDict()
        self._painters: OrderedDict[tuple[object, ...], Painter] = OrderedDict()
        self._lock = threading.Lock()

    def painter(
        self,
        checkpoint: str = "pocket",
        *,
        device: str = "auto",
        precision: str = "auto",
        engine: str = "auto",
        loras: "Sequence[LoraChoice]" = (),
        concepts: "Sequence[ConceptChoice]" = (),
    ) -> "Painter":
        """Returns a painter like `Painter.load`; reuses loaded weights if the files have not changed.

        Raises:
            UsageError, MissingPart, ImpastoError: the same as `Painter.load`.
        """
        from impasto.adapters.merge import loaded_concepts, loaded_loras
        from impasto.checkpoints.listing import inspect_checkpoint
        from impasto.checkpoints.load import load_components
        from impasto.painting.engines.choice import choose_engine
        from impasto.painting.painter import Painter
        from impasto.settings import choose_device, keep_freed_memory

        where = choose_device(device)
        ran_by = choose_engine(engine, where, precision)
        dtype = ran_by.dtype
        chosen, words = loaded_loras(loras), loaded_concepts(concepts)
        with self._lock:
            base: _Base = (checkpoint, inspect_checkpoint(checkpoint).content_hash, str(where), str(dtype))
            adapters = tuple((lora.content_hash, scale) for lora, scale in chosen), tuple(c.content_hash for c in words)
            key = (base, *adapters, ran_by)
            if key in self._painters:
                self._painters.move_to_end(key)
                self._bases.move_to_end(base)
                return self._painters[key]
            if base not in self._bases:
                if where.type == "cpu":
                    keep_freed_memory()
                self._bases[base] = load_components(
                    checkpoint, device=where, dtype=dtype, editing=True, learns=False
                )
            self._bases.move_to_end(base)
            made = self._painters[key] = Painter.of(
                self._bases[base], where, chosen, words, ran_by.name, ran_by.inference
            )
            self._shrink()
            return made

    @property
    def bytes(self) -> int:
        """The size of the kept weights, counting each tensor once."""
        from impasto.painting.painter import Painter

        holders: list[Components | Painter] = [*self._bases.values(), *self._painters.values()]
        tensors: dict[int, int] = {}
        for holder in holders:
            for tensor in _weights(holder.components if isinstance(holder, Painter) else holder):
                tensors[tensor.data_ptr()] = tensor.nbytes
        return sum(tensors.values())

    def clear(self) -> None:
        """Removes all painters and checkpoints from the pool."""
        with self._lock:
            self._painters.clear()
            self._bases.clear()

    def _shrink(self) -> None:
        """Evicts painters, least recently used first, then their checkpoints, until the rest fits."""
        while self.bytes > self._most and len(self._painters) > 1:
            self._painters.popitem(last=False)
            used = {key[0] for key in self._painters}
            for base in [base for base in self._bases if base not in used]:
                del self._bases[base]


def _weights(components: "Components") -> "list[torch.Tensor]":
    parts = (components.unet, components.vae, components.text_encoder)
    return [tensor for part in parts for tensor in part.state_dict().values()]

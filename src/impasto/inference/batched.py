"""Models that see: a torch module from one array to another, run by OpenVINO in batches of one size once that pays."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn

from impasto.inference import runtime
from impasto.inference.models import CompiledModels, Part, Weights
from impasto.inference.runtime import CannotRun


class BatchedModel:
    """A module from inputs [n, *shape] to rows [n, width] float32, by OpenVINO in fp32, kept in the cache.

    It begins when so many inputs are announced that it saves time: the converted model is in the cache, or converting it
    pays. The last batch is filled up with zeros, so that a row does not depend on how many come with it. It can be pickled.
    """

    def __init__(
        self, name: str, weights: Callable[[], Weights], shape: Sequence[int], make: Callable[[], nn.Module], *,
        device: torch.device, version: int, worth: int, batch: int = 4, dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        """Nothing is loaded yet.

        Args:
            name: for the list of the cache.
            weights: says what the module is made of; called only if OpenVINO may run it.
            shape, dtype: of one input.
            make: makes the module, on the CPU; called only if it has to be converted.
            device: where torch runs the module.
            version: of what the module computes: models of another number are converted anew.
            worth: from how many inputs converting it pays.
            batch: inputs that are run at once.
        """
        self._name, self._version = name, version
        self._weights, self._make, self._device, self._worth = weights, make, device, worth
        self._shape, self._batch, self._dtype = tuple(shape), batch, dtype
        self._part = Part(f"{batch} of {'x'.join(map(str, shape))}", [[batch, *shape]], self._trace)
        self._begun, self._request = False, None

    def expect(self, count: int) -> None:
        """Begins, or does not, by how many inputs are to come. Once begun it goes on.

        It begins only on a CPU for which OpenVINO was measured to be faster.
        """
        if self._begun or not count or self._device.type != "cpu":
            return
        if runtime.openvino_version() and runtime.openvino_may_pay():
            self._begun = count >= self._worth or self._models.is_kept(self._weights(), self._part.name)

    def run(self, inputs: np.ndarray) -> np.ndarray | None:
        """Returns rows float32 [n, width] of inputs [n, *shape]; None if torch is to run these."""
        if not self._begun or not len(inputs) or inputs.shape[1:] != self._shape:
            return None
        try:
            self._request = self._request or self._models.request(self._weights(), self._part)
        except CannotRun:  # torch goes on, with the same rows
            self._begun = False
            return None
        rows = [self._infer(inputs[start : start + self._batch]) for start in range(0, len(inputs), self._batch)]
        return np.concatenate(rows)

    def __getstate__(self) -> dict[str, Any]:
        known = {name: value for name, value in self.__dict__.items() if name != "_models"}
        return {**known, "_request": None}

    @cached_property
    def _models(self) -> CompiledModels:
        return CompiledModels(self._name, "fp32", _nothing, self._version)

    def _infer(self, inputs: np.ndarray) -> np.ndarray:
        missing = self._batch - len(inputs)
        whole = np.concatenate([inputs, np.zeros((missing, *self._shape), inputs.dtype)]) if missing else inputs
        return runtime.infer(self._request, [torch.from_numpy(np.ascontiguousarray(whole))]).numpy()[: len(inputs)]

    def _trace(self) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
        return self._make(), (torch.zeros(self._batch, *self._shape, dtype=self._dtype),)


def _nothing(_: str) -> None:
    """What is said of the cache: the rows are the same without it."""

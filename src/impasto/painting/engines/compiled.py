"""The engine `compiled`: diffusers' modules through torch.compile, for accelerators.

On CUDA whole evaluations are recorded as CUDA graphs (`reduce-overhead`), with channels-last weights. Compiling takes up to
a minute for each size and batch, so it is for many pictures alike, and only used where it is named.
"""

from typing import Any

import torch

from impasto.painting.engines.conditioned import ControllableUNet, Decode
from impasto.painting.engines.eager import PlainUNet, name_of, plain_decoder
from impasto.painting.engines.record import COMPILED, EngineNote


class CompiledEngine:
    """diffusers' modules through torch.compile."""

    def __init__(self, device: torch.device, dtype: torch.dtype, *, backend: str = "inductor") -> None:
        """`backend`: torch.compile's; another than "inductor" is for tests, which have no compiler."""
        self._graphs = device.type == "cuda" and backend == "inductor"
        self._settings: dict[str, Any] = {"backend": backend, "dynamic": False}
        if self._graphs:
            self._settings["mode"] = "reduce-overhead"
        self.note = EngineNote(COMPILED, torch.__version__, name_of(dtype), device.type)

    def unet(self, unet: Any) -> ControllableUNet:
        """See `Engine.unet`; it raises nothing. Where controls act, the model runs as it is."""
        return PlainUNet(self._compiled(_channels_last(unet)), unet)

    def decoder(self, vae: Any) -> Decode:
        """See `Engine.decoder`; it raises nothing."""
        return self._compiled(plain_decoder(_channels_last(vae)))

    def _compiled(self, call: Any) -> Any:
        compiled = torch.compile(call, **self._settings)
        if not self._graphs:
            return compiled

        def run(*inputs: Any, **named: Any) -> Any:
            torch.compiler.cudagraph_mark_step_begin()
            made = compiled(*inputs, **named)
            # A graph's result is overwritten when it runs again.
            return tuple(one.clone() for one in made) if isinstance(made, tuple) else made.clone()

        return run


def _channels_last(model: Any) -> Any:
    """Lays the model's convolutions out channels-last, in place: its numbers stay as they are."""
    return model.to(memory_format=torch.channels_last)

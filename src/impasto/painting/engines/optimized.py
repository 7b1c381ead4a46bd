"""The engine `optimized`: the U-Net and the decoder of `painting/optimized`, for a CPU in fp32, and `eager` for the rest."""

from typing import Any

import torch

from impasto.painting.engines.conditioned import ControllableUNet, Decode
from impasto.painting.engines.eager import EagerEngine
from impasto.painting.engines.record import OPTIMIZED, EngineNote
from impasto.painting.optimized.choice import optimize_decoder, optimize_unet
from impasto.painting.optimized.decoder import OptimizedDecoder
from impasto.painting.optimized.unet import OptimizedUNet


class OptimizedEngine:
    """`painting/optimized`; a model that it does not know is run as `eager` runs it, without a word."""

    def __init__(self) -> None:
        self._eager = EagerEngine(torch.device("cpu"), torch.float32).note
        self._used = False

    @property
    def note(self) -> EngineNote:
        """What ran its models: `eager`, if it knew none of them."""
        return EngineNote(OPTIMIZED, torch.__version__, "fp32", "cpu") if self._used else self._eager

    def unet(self, unet: Any) -> ControllableUNet:
        """See `Engine.unet`; it raises nothing."""
        made = optimize_unet(unet)
        self._used |= isinstance(made, OptimizedUNet)
        return made

    def decoder(self, vae: Any) -> Decode:
        """See `Engine.decoder`; it raises nothing."""
        made = optimize_decoder(vae)
        self._used |= isinstance(made, OptimizedDecoder)
        return made

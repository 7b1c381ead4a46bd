"""The engine `openvino`: models converted to OpenVINO, for the CPU, kept in a cache between processes.

In bf16 the U-Nets and the decoder are OpenVINO's. In fp32 the decoder is the one of `painting/optimized`, which is faster:
pocket's takes 46.2 ms a picture by it and 50.3 by OpenVINO on two cores with AVX2, 35.5 and 45.8 on one with AVX-512.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from impasto.painting.engines.conditioned import CannotRun, ControllableUNet, Decode, Residuals
from impasto.painting.engines.eager import PlainUNet
from impasto.painting.engines.openvino import runtime
from impasto.painting.engines.openvino.graphs import (
    DecoderGraph,
    DenoiserGraph,
    NotConvertible,
    check_unet,
    check_vae,
    control_inputs,
    example_inputs,
    text_attentions,
    text_memory,
)
from impasto.painting.engines.openvino.models import CompiledModels, Say, Traced
from impasto.painting.engines.record import OPENVINO, EngineNote
from impasto.painting.optimized.choice import optimize_decoder

UNET, CONTROLLED, DECODER = "unet", "controlled unet", "decoder"
_MASKED = -1e4  # exp of it is 0 in every precision


class OpenVinoEngine:
    """U-Nets and decoders by OpenVINO, in fp32, or in bf16 on a CPU that has it."""

    def __init__(self, name: str, precision: str = "fp32", say: Say = lambda _: None) -> None:
        """`name`: of the checkpoint, for the list of the cache. `say` is told what does not work as usual."""
        self.note = EngineNote(OPENVINO, runtime.openvino_version(), precision, "cpu")
        self._models = CompiledModels(name, precision, say)
        self._made: dict[int, OpenVinoUNet] = {}

    def unet(self, unet: Any) -> ControllableUNet:
        """See `Engine.unet`. The U-Net must be in fp32, on the CPU."""
        _require_fp32(unet)
        _check(unet)
        if id(unet) not in self._made:  # the made one keeps `unet`, so that no other gets its number
            self._made[id(unet)] = OpenVinoUNet(unet, self._models)
        return self._made[id(unet)]

    def decoder(self, vae: Any) -> Decode:
        """See `Engine.decoder`. The VAE must be in fp32, on the CPU."""
        _require_fp32(vae)
        return optimize_decoder(vae) if self._models.precision == "fp32" else OpenVinoDecoder(vae, self._models)

    def knows(self, unet: Any) -> bool:
        """Returns whether it knows all layers of a U-Net. Converting it may still fail."""
        try:
            _require_fp32(unet)
            _check(unet)
        except CannotRun:
            return False
        return True

    def key(self, unet: Any) -> str:
        """Returns the key of the converted U-Net in the cache."""
        return self._models.key(unet, UNET)

    def is_kept(self, unet: Any, *, controlled: bool = False) -> bool:
        """Returns whether the converted U-Net, or the one that controls add to, is in the cache, or was."""
        return self._models.is_kept(unet, CONTROLLED if controlled else UNET)


class OpenVinoUNet:
    """A U-Net by OpenVINO; see `ControllableUNet`. Text keys and values are computed once, by `tell`.

    The graph that controls add to is another one, converted when it is first used.
    """

    def __init__(self, unet: Any, models: CompiledModels) -> None:
        """`unet`: one that `check_unet` lets pass.

        Raises:
            CannotRun: it cannot be converted.
        """
        self._unet, self._models = unet, models
        self._request = models.request(unet, UNET, lambda: _traced_unet(unet, models.precision))
        self._controlled: Any = None

    def tell(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """See `ConditionedUNet.tell`. Shorter sets are padded, and their padding is masked."""
        told = self._told(states, guided)
        return lambda latents, timestep: _infer(self._request, [latents, timestep.reshape(1).float(), *told])

    def tell_controlled(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor, Residuals], torch.Tensor]:
        """See `ControllableUNet.tell_controlled`. What cannot be converted is run by `eager`, and that is said."""
        try:
            request = self._controlled = self._controlled or self._models.request(
                self._unet, CONTROLLED, lambda: _traced_unet(self._unet, self._models.precision, controlled=True)
            )
        except CannotRun as error:
            self._models.say(f"eager runs the steps in which a control acts: {error}")
            return PlainUNet(self._unet).tell_controlled(states, guided=guided)
        told = self._told(states, guided)

        def predict(latents: torch.Tensor, timestep: torch.Tensor, added: Residuals) -> torch.Tensor:
            maps = control_inputs(self._unet, added, len(told[1]), (latents.shape[2], latents.shape[3]))
            return _infer(request, [latents, timestep.reshape(1).float(), *told, *maps])

        return predict

    def _told(self, states: torch.Tensor | Sequence[torch.Tensor], guided: bool) -> list[torch.Tensor]:
        """Returns the inputs that are the same in all steps."""
        sets = [one.float() for one in ([states] if isinstance(states, torch.Tensor) else states)]
        tokens = max(one.shape[1] for one in sets)
        each = [text_memory(self._unet, one) for one in sets]
        memory = [torch.cat([_padded(part, tokens) for part in parts]) for parts in zip(*each, strict=True)]
        mask = torch.cat([_mask(len(one), one.shape[1], tokens) for one in sets])
        pooled = torch.zeros(1, 1)
        if self._unet.config.addition_embed_type == "text":
            with torch.inference_mode():
                pooled = torch.cat([self._unet.add_embedding(one) for one in sets])
        pictures = len(mask) // 2 if guided else len(mask)
        return [torch.arange(pictures).repeat(2 if guided else 1), mask, pooled, *memory]


class OpenVinoDecoder:
    """A VAE's decoder by OpenVINO; see `Decode`.

    Raises:
        CannotRun: it cannot be converted.
    """

    def __init__(self, vae: Any, models: CompiledModels) -> None:
        try:
            check_vae(vae)
        except NotConvertible as error:
            raise CannotRun(f"the VAE has {error}") from None
        self._request = models.request(vae, DECODER, lambda: _traced_decoder(vae))

    def __call__(self, latents: torch.Tensor) -> torch.Tensor:
        return _infer(self._request, [latents])


def _traced_unet(unet: Any, precision: str, *, controlled: bool = False) -> Traced:
    graph = DenoiserGraph(unet, moments=precision == "fp32", controlled=controlled)
    example = example_inputs(unet, controlled=controlled)
    latents, _, _, _, pooled, *rest = example
    told, blocks = 2 * len(text_attentions(unet)), len(unet.down_blocks)
    memory, maps = rest[:told], rest[told:]
    shapes = [[-1, latents.shape[1], -1, -1], [1], [-1], [-1, 1, 1, -1], [-1, pooled.shape[1]]]
    shapes += [[-1, part.shape[1], -1, part.shape[3]] for part in memory]
    shapes += [[-1, one.shape[1], -1, -1] for one in maps[: len(maps) - blocks]]
    return graph, example, shapes + [[1, one.shape[1], -1, -1] for one in maps[len(maps) - blocks :]]


def _traced_decoder(vae: Any) -> Traced:
    channels = vae.config.latent_channels
    return DecoderGraph(vae), (torch.randn(1, channels, 8, 8),), [[-1, channels, -1, -1]]


def _infer(request: Any, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
    arrays = [part.detach().contiguous().numpy() for part in inputs]
    try:
        result = request.infer(arrays, share_inputs=True, share_outputs=True)
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, MemoryError) or "alloc" in str(error):
            raise torch.OutOfMemoryError("OpenVINO's memory ran out") from None
        raise
    return torch.from_numpy(np.array(result[0]))  # a copy: the request writes its next result into the same memory


def _padded(part: torch.Tensor, tokens: int) -> torch.Tensor:
    """part [m, heads, t, width] -> [m, heads, tokens, width]."""
    return torch.nn.functional.pad(part, (0, 0, 0, tokens - part.shape[2]))


def _mask(rows: int, own: int, tokens: int) -> torch.Tensor:
    mask = torch.zeros(rows, 1, 1, tokens)
    mask[..., own:] = _MASKED
    return mask


def _check(unet: Any) -> None:
    try:
        check_unet(unet)
    except NotConvertible as error:
        raise CannotRun(f"the U-Net has {error}") from None


def _require_fp32(model: Any) -> None:
    weight = next(model.parameters())
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        raise CannotRun(f"its weights are {weight.dtype} on {weight.device}".replace("torch.", ""))

"""The engine `openvino`: U-Nets and the decoder converted to OpenVINO, for the CPU, kept in a cache between processes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from impasto.painting.engines import store
from impasto.painting.engines.conditioned import CannotRun, ConditionedUNet, Decode
from impasto.painting.engines.openvino import runtime
from impasto.painting.engines.openvino.graphs import (
    DecoderGraph,
    DenoiserGraph,
    NotConvertible,
    check_unet,
    check_vae,
    example_inputs,
    text_memory,
)
from impasto.painting.engines.openvino.models import CompiledModels, Say, Traced
from impasto.painting.engines.record import OPENVINO, EngineNote

UNET, DECODER = "unet", "decoder"
_MASKED = -1e4  # exp of it is 0 in every precision


class OpenVinoEngine:
    """U-Nets and decoders by OpenVINO, in fp32, or in bf16 on a CPU that has it."""

    def __init__(self, name: str, precision: str = "fp32", say: Say = lambda _: None) -> None:
        """`name`: of the checkpoint, for the list of the cache. `say` is told what does not work as usual."""
        self.note = EngineNote(OPENVINO, runtime.openvino_version(), precision, "cpu")
        self._models = CompiledModels(name, precision, say)

    def unet(self, unet: Any) -> ConditionedUNet:
        """See `Engine.unet`. The U-Net must be in fp32, on the CPU."""
        _require_fp32(unet)
        return OpenVinoUNet(unet, self._models)

    def decoder(self, vae: Any) -> Decode:
        """See `Engine.decoder`. The VAE must be in fp32, on the CPU."""
        _require_fp32(vae)
        return OpenVinoDecoder(vae, self._models)

    def key(self, unet: Any) -> str:
        """Returns the key of the converted U-Net in the cache."""
        return self._models.key(unet, UNET)

    def is_kept(self, unet: Any, vae: Any) -> bool:
        """Returns whether both converted models are in the cache."""
        keys = self.key(unet), self._models.key(vae, DECODER)
        return all(store.find_model(key) is not None for key in keys)


class OpenVinoUNet:
    """A U-Net by OpenVINO; see `ConditionedUNet`. Text keys and values are computed once, by `tell`."""

    def __init__(self, unet: Any, models: CompiledModels) -> None:
        """Raises:
        CannotRun: it cannot be converted.
        """
        try:
            check_unet(unet)
        except NotConvertible as error:
            raise CannotRun(f"the U-Net has {error}") from None
        self._unet = unet
        self._request = models.request(unet, UNET, lambda: _traced_unet(unet, models.precision))

    def tell(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """See `ConditionedUNet.tell`. Shorter sets are padded, and their padding is masked."""
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
        told = [torch.arange(pictures).repeat(2 if guided else 1), mask, pooled, *memory]

        def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            return _infer(self._request, [latents, timestep.reshape(1).float(), *told])

        return predict


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
        self._request = models.request(vae, DECODER, lambda: _traced_decoder(vae, models.precision))

    def __call__(self, latents: torch.Tensor) -> torch.Tensor:
        return _infer(self._request, [latents])


def _traced_unet(unet: Any, precision: str) -> Traced:
    graph, example = DenoiserGraph(unet, moments=precision == "fp32"), example_inputs(unet)
    latents, _, _, _, pooled, *memory = example
    shapes = [[-1, latents.shape[1], -1, -1], [1], [-1], [-1, 1, 1, -1], [-1, pooled.shape[1]]]
    return graph, example, [*shapes, *([-1, part.shape[1], -1, part.shape[3]] for part in memory)]


def _traced_decoder(vae: Any, precision: str) -> Traced:
    graph = DecoderGraph(vae, moments=precision == "fp32")
    channels = vae.config.latent_channels
    return graph, (torch.randn(1, channels, 8, 8),), [[-1, channels, -1, -1]]


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


def _require_fp32(model: Any) -> None:
    weight = next(model.parameters())
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        raise CannotRun(f"its weights are {weight.dtype} on {weight.device}".replace("torch.", ""))

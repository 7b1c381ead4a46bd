"""The engine `openvino`: models converted to OpenVINO, for the CPU, kept in a cache between processes.

In bf16 the U-Nets and the decoder are OpenVINO's. In fp32, and beside a U-Net in int8, the decoder is the one of
`painting/optimized`: pocket's takes 46.2 ms a picture by it and 50.3 by OpenVINO on two cores with AVX2. On one with AVX-512
OpenVINO's takes 38.4 ms beside 41.7, compiled for one size and with `MomentNorm`; but converting it would only pay after
some thousand pictures.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from impasto.inference import runtime
from impasto.inference.models import CompiledModels, Part, Say, Traced
from impasto.inference.runtime import CannotRun
from impasto.painting.engines.conditioned import ControllableUNet, Decode, Residuals
from impasto.painting.engines.eager import PlainUNet
from impasto.painting.engines.openvino.graphs import (
    GRAPHS,
    DecoderGraph,
    DenoiserGraph,
    NotConvertible,
    check_unet,
    check_vae,
    control_inputs,
    control_maps,
    example_inputs,
    text_attentions,
    text_memory,
)
from impasto.painting.engines.record import OPENVINO, EngineNote
from impasto.painting.optimized.choice import optimize_decoder

UNET, CONTROLLED, DECODER = "unet", "controlled unet", "decoder"
# Up to this many weights, a U-Net is compiled for each size alone: the models of larger ones would fill memory and cache.
LARGEST = 250_000_000
_MOST_SIZES = 6
# Numbers of pictures and of rows (texts), height and width of the latents.
Sizes = tuple[int, int, int, int]
# (U-Net, `told_inputs` of it) -> inputs of its graph
Calibration = Callable[[Any, Callable[[torch.Tensor], Sequence[torch.Tensor]]], runtime.Samples]
_MASKED = -1e4  # exp of it is 0 in every precision


class OpenVinoEngine:
    """U-Nets and decoders by OpenVINO, in fp32, or in bf16 or int8 on a CPU that has it."""

    def __init__(
        self, name: str, precision: str = "fp32", say: Say = lambda _: None, calibration: Calibration | None = None
    ) -> None:
        """`name`: of the checkpoint, for the list of the cache. `say` is told what does not work as usual.

        `calibration`: for int8, returns inputs of a U-Net as they occur.
        """
        self.note = EngineNote(OPENVINO, runtime.library_version(precision), precision, "cpu")
        self._calibration = calibration
        self._models = CompiledModels(name, precision, say, GRAPHS)
        self._made: dict[int, OpenVinoUNet] = {}

    def unet(self, unet: Any) -> ControllableUNet:
        """See `Engine.unet`. The U-Net must be in fp32, on the CPU."""
        _require_fp32(unet)
        _check(unet)
        if id(unet) not in self._made:  # the made one keeps `unet`, so that no other gets its number
            self._made[id(unet)] = OpenVinoUNet(unet, self._models, self._calibration)
        return self._made[id(unet)]

    def decoder(self, vae: Any) -> Decode:
        """See `Engine.decoder`. The VAE must be in fp32, on the CPU."""
        _require_fp32(vae)
        return OpenVinoDecoder(vae, self._models) if self._models.precision == "bf16" else optimize_decoder(vae)

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

    def missing(self, unet: Any, sizes: Sizes, *, controlled: bool = False) -> tuple[bool, bool]:
        """Returns whether the graph of a U-Net would have to be converted, and compiled for these sizes."""
        part = _part(unet, sizes, controlled=controlled)
        if self._models.is_kept(unet, part.name):
            return False, False
        return not (part.graph and self._models.is_kept(unet, part.graph)), True


class OpenVinoUNet:
    """A U-Net by OpenVINO; see `ControllableUNet`. Text keys and values are computed once, by `tell`.

    There is one compiled model for each number of pictures and size, so that the same request is always painted by the same
    model; for a U-Net of more than 250 million weights one for all sizes. What cannot be compiled is run by `eager`.
    """

    def __init__(self, unet: Any, models: CompiledModels, calibration: Calibration | None = None) -> None:
        """`unet`: one that `check_unet` lets pass."""
        self._unet, self._models = unet, models
        self._samples = None if calibration is None else partial(calibration, unet, partial(told_inputs, unet, guided=True))
        self._requests: OrderedDict[str, Any] = OrderedDict()

    def prepare(self, sizes: Sizes, *, controlled: bool = False) -> None:
        """Makes the model for these sizes ready.

        Raises:
            CannotRun: it cannot be converted.
        """
        self._request(sizes, controlled)

    def tell(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """See `ConditionedUNet.tell`. Shorter sets are padded, and their padding is masked."""
        told, plain = told_inputs(self._unet, states, guided=guided), None

        def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            nonlocal plain
            request = self._request_or_none(_sizes(latents, len(told[1])), controlled=False)
            if request is None:
                plain = plain or PlainUNet(self._unet).tell(states, guided=guided)
                return plain(latents, timestep)
            return runtime.infer(request, [latents, timestep.reshape(1).float(), *told])

        return predict

    def tell_controlled(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor, Residuals], torch.Tensor]:
        """See `ControllableUNet.tell_controlled`."""
        told, plain = told_inputs(self._unet, states, guided=guided), None

        def predict(latents: torch.Tensor, timestep: torch.Tensor, added: Residuals) -> torch.Tensor:
            nonlocal plain
            request = self._request_or_none(_sizes(latents, len(told[1])), controlled=True)
            if request is None:
                plain = plain or PlainUNet(self._unet).tell_controlled(states, guided=guided)
                return plain(latents, timestep, added)
            maps = control_inputs(self._unet, added, len(told[1]), (latents.shape[2], latents.shape[3]))
            return runtime.infer(request, [latents, timestep.reshape(1).float(), *told, *maps])

        return predict

    def _request_or_none(self, sizes: Sizes, controlled: bool) -> Any:
        try:
            return self._request(sizes, controlled)
        except CannotRun as error:
            where = "the steps in which a control acts" if controlled else f"{sizes[0]} picture(s) of this size"
            self._models.say(f"eager runs {where}: {error}")
            return None

    def _request(self, sizes: Sizes, controlled: bool) -> Any:
        if controlled and self._models.precision == "int8":
            raise CannotRun("int8 is not calibrated for what controls add")
        part = _part(self._unet, sizes, self._models.precision, self._samples, controlled=controlled)
        if part.name not in self._requests:
            self._requests[part.name] = self._models.request(self._unet, part)
            if len(self._requests) > _MOST_SIZES:
                self._requests.popitem(last=False)
        self._requests.move_to_end(part.name)
        return self._requests[part.name]


def told_inputs(unet: Any, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool) -> list[torch.Tensor]:
    """Returns the inputs of a `DenoiserGraph` that are the same in all steps; see `ConditionedUNet.tell`."""
    sets = [one.float() for one in ([states] if isinstance(states, torch.Tensor) else states)]
    tokens = max(one.shape[1] for one in sets)
    each = [text_memory(unet, one) for one in sets]
    memory = [torch.cat([_padded(part, tokens) for part in parts]) for parts in zip(*each, strict=True)]
    mask = torch.cat([_mask(len(one), one.shape[1], tokens) for one in sets])
    pooled = torch.zeros(1, 1)
    if unet.config.addition_embed_type == "text":
        with torch.inference_mode():
            pooled = torch.cat([unet.add_embedding(one) for one in sets])
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
        channels = vae.config.latent_channels
        trace = partial(_traced_decoder, vae, channels)
        self._request = models.request(vae, Part(DECODER, [[-1, channels, -1, -1]], trace))

    def __call__(self, latents: torch.Tensor) -> torch.Tensor:
        return runtime.infer(self._request, [latents])


def _sizes(latents: torch.Tensor, rows: int) -> Sizes:
    return len(latents), rows, latents.shape[2], latents.shape[3]


def _part(
    unet: Any, sizes: Sizes, precision: str = "fp32", samples: Callable[[], runtime.Samples] | None = None,
    *, controlled: bool = False,
) -> Part:  # fmt: skip
    """Returns the U-Net's model for these sizes, or for all."""
    graph = CONTROLLED if controlled else UNET
    trace = partial(_traced_unet, unet, precision, controlled)
    if sum(weight.numel() for weight in unet.parameters()) > LARGEST:
        return Part(graph, _shapes(unet, (-1, -1, -1, -1), controlled), trace, samples=samples)
    pictures, rows, height, width = sizes
    name = f"{graph} for {pictures} ({rows}) of {width}x{height}"
    return Part(name, _shapes(unet, sizes, controlled), trace, f"{graph} graph", samples)


def _shapes(unet: Any, sizes: Sizes, controlled: bool) -> list[list[int]]:
    """Returns the shapes of a `DenoiserGraph`'s inputs. The number of tokens always varies: that costs nothing."""
    pictures, rows, height, width = sizes
    pooled = [rows, unet.time_embedding.linear_2.out_features] if unet.config.addition_embed_type == "text" else [1, 1]
    shapes = [[pictures, unet.config.in_channels, height, width], [1], [rows], [rows, 1, 1, -1], pooled]
    for attention in text_attentions(unet):
        layers = attention.to_k, attention.to_v
        shapes += [[rows, attention.heads, -1, layer.out_features // attention.heads] for layer in layers]
    if controlled:
        maps, within = control_maps(unet, (height, width))
        shapes += [[rows, channels, *size] for channels, size in maps]
        shapes += [[1, channels, *size] for channels, size in within]
    return shapes


def _traced_unet(unet: Any, precision: str, controlled: bool) -> Traced:
    graph = DenoiserGraph(unet, moments=precision != "bf16", controlled=controlled)
    return graph, example_inputs(unet, controlled=controlled)


def _traced_decoder(vae: Any, channels: int) -> Traced:
    return DecoderGraph(vae), (torch.randn(1, channels, 8, 8),)


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

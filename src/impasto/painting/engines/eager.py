"""The engine `eager`: diffusers' own modules as they are, on any device and for any architecture."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from impasto.painting.engines.conditioned import ControllableUNet, Decode, Residuals
from impasto.painting.engines.record import EAGER, EngineNote

Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class PlainUNet:
    """diffusers' own U-Net, or a function that is called like it."""

    def __init__(self, unet: Callable[..., Any], controlled: Callable[..., Any] | None = None) -> None:
        """`controlled`: runs in `tell_controlled` in place of `unet`."""
        self._unet, self._controlled = unet, controlled or unet

    def tell(self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool) -> Predict:
        """See `ConditionedUNet.tell`."""
        if not isinstance(states, torch.Tensor):
            return self._tell_sets(states, guided)

        def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            both = torch.cat([latents, latents]) if guided else latents
            return self._unet(both, timestep, encoder_hidden_states=states, return_dict=False)[0]

        return predict

    def tell_controlled(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor, Residuals], torch.Tensor]:
        """See `ControllableUNet.tell_controlled`."""
        sets = [states] if isinstance(states, torch.Tensor) else list(states)
        sizes = [len(one) for one in sets]

        def predict(latents: torch.Tensor, timestep: torch.Tensor, added: Residuals) -> torch.Tensor:
            rows = torch.cat([latents, latents]) if guided else latents
            parts = zip(rows.split(sizes), sets, *_split(added, sizes), strict=True)
            return torch.cat(
                [self._controlled(part, timestep, encoder_hidden_states=one, return_dict=False, **_arguments(*its))[0]
                 for part, one, *its in parts]
            )  # fmt: skip

        return predict

    def _tell_sets(self, sets: Sequence[torch.Tensor], guided: bool) -> Predict:
        """Calls the U-Net once for each set of states, since diffusers' U-Net does not take sets of different lengths."""
        each = [self.tell(states, guided=False) for states in sets]

        def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            seen = [latents] * len(each) if guided else latents.split([len(states) for states in sets])
            return torch.cat([ask(part, timestep) for ask, part in zip(each, seen, strict=True)])

        return predict


def _split(added: Residuals, sizes: list[int]) -> Iterator[Sequence[Any]]:
    """Yields the maps of `down`, of `middle` and of `within` for each set of rows."""
    down = [one.split(sizes) for one in added.down]
    yield [[one[number] for one in down] for number in range(len(sizes))]
    yield [None] * len(sizes) if added.middle is None else added.middle.split(sizes)
    yield [[one.expand(size, -1, -1, -1) for one in added.within] for size in sizes]


def _arguments(down: list[torch.Tensor], middle: torch.Tensor | None, within: list[torch.Tensor]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if middle is not None:
        found |= {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
    if within:
        found["down_intrablock_additional_residuals"] = list(within)  # a list of its own, which diffusers empties
    return found


def plain_decoder(vae: Any) -> Decode:
    """Returns the VAE's own decoder."""
    return lambda latents: vae.decode(latents, return_dict=False)[0]


class EagerEngine:
    """diffusers' own modules."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.note = EngineNote(EAGER, torch.__version__, name_of(dtype), device.type)

    def unet(self, unet: Any) -> ControllableUNet:
        """See `Engine.unet`; it raises nothing."""
        return PlainUNet(unet)

    def decoder(self, vae: Any) -> Decode:
        """See `Engine.decoder`; it raises nothing."""
        return plain_decoder(vae)


def name_of(dtype: torch.dtype) -> str:
    """Returns the name of a precision, as `--precision` takes it."""
    return {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(dtype, "fp32")

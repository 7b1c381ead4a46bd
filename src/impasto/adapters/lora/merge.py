"""Merges LoRAs into a checkpoint's weights, so that painting has no extra cost."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import torch

from impasto.adapters.lora.low_rank import Layers
from impasto.errors import ImpastoError, UsageError
from impasto.weights.sharing import copy_sharing_weights

if TYPE_CHECKING:
    from impasto.adapters.lora.files import Lora
    from impasto.checkpoints.components import Components

Module = TypeVar("Module", bound=torch.nn.Module)
# Beyond this, in either direction, the model paints only noise, so the value is a typing error.
LARGEST_SCALE = 10.0


def check_scale(scale: float) -> float:
    """Returns `scale` if it is a number from -10 to 10.

    Raises:
        UsageError: it is not.
    """
    if not math.isfinite(scale) or abs(scale) > LARGEST_SCALE:
        raise UsageError(f"a LoRA's scale {scale:g}: use {-LARGEST_SCALE:g} to {LARGEST_SCALE:g}")
    return float(scale)


def apply_loras(components: "Components", chosen: Sequence[tuple["Lora", float]]) -> "Components":
    """Returns `components` with each LoRA's change, times its scale, added to the weights it applies to.

    The sum is computed in fp32 and then rounded to the weights' own type. `components` itself is not changed; weights that
    no LoRA changes are shared with it. A LoRA of scale 0 is left out: if no other remains, `components` itself is returned.

    Raises:
        UsageError: a scale is out of -10 .. 10.
        ImpastoError: a LoRA is for another base: it has a layer that this one lacks, or of another shape.
    """
    for lora, scale in chosen:
        check_scale(scale)
        _check_fit(components, lora, "unet", components.unet, lora.unet)
        _check_fit(components, lora, "text_encoder", components.text_encoder, lora.text_encoder)
    used = [(lora, scale) for lora, scale in chosen if scale != 0]
    if not used:
        return components
    applied = [lora.applied(scale) for lora, scale in used]
    digest = hashlib.sha256(components.content_hash.encode())
    for record in applied:
        digest.update(f"\nlora {record.content_hash} {record.scale!r}".encode())
    return replace(
        components,
        name=" + ".join([components.name, *(f"{record.name}:{record.scale:g}" for record in applied)]),
        content_hash=digest.hexdigest(),
        unet=_merged(components.unet, [(lora.unet, scale) for lora, scale in used]),
        text_encoder=_merged(components.text_encoder, [(lora.text_encoder, scale) for lora, scale in used]),
        loras=(*components.loras, *applied),
    )


def _check_fit(components: "Components", lora: "Lora", part: str, model: torch.nn.Module, layers: Layers) -> None:
    modules = dict(model.named_modules())
    base = f" ({lora.base_name})" if lora.base_name and lora.base_name != components.base_name else ""
    other = f"the LoRA {lora.name} is for another base{base} than {components.base_name}"
    for name, layer in layers.items():
        module = modules.get(name)
        if not isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
            raise ImpastoError(f"{other}: that has no layer {part}.{name}")
        found, wanted = layer.change_shape, (module.weight.shape[0], module.weight[0].numel())
        if found != wanted:
            sizes = f"{found[1]} to {found[0]} values, there {wanted[1]} to {wanted[0]}"
            raise ImpastoError(f"{other}: {part}.{name} maps {sizes}")


@torch.no_grad()
def _merged(model: Module, chosen: Sequence[tuple[Layers, float]]) -> Module:
    """Returns a copy of `model` that shares all weights but the changed ones; `model` itself if nothing changes."""
    names = dict.fromkeys(name for layers, _ in chosen for name in layers)
    if not names:
        return model
    merged: dict[int, torch.Tensor] = {}
    for name in names:
        former = model.get_submodule(name).weight
        assert isinstance(former, torch.nn.Parameter)
        total = former.float()
        for layers, scale in chosen:
            if name in layers:
                total = total + scale * layers[name].change_of(former)
        merged[id(former)] = torch.nn.Parameter(total.to(former.dtype), requires_grad=former.requires_grad)
    return copy_sharing_weights(model, merged)

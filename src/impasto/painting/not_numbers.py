"""Explains why a painting's pixels are not numbers."""

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components


def why_not_numbers(components: "Components", seed: int) -> str:
    """Returns a sentence with what to do: for broken weights, the tensor that holds what is no number."""
    said = f"the picture of seed {seed} is not a number in {str(components.unet.dtype).removeprefix('torch.')}"
    for part in ("unet", "vae", "text_encoder"):
        for name, weight in getattr(components, part).state_dict().items():
            if weight.is_floating_point() and not torch.isfinite(weight).all():
                made_of = "the checkpoint or an adapter" if components.loras or components.concepts else "the checkpoint"
                return f"{said}, for {part}.{name} of {components.name} holds none: {made_of} is broken"
    if components.unet.dtype != torch.float32:
        return f"{said}: use --precision fp32, or less guidance"
    return f"{said}: use less guidance{', or a smaller scale of the LoRA' if components.loras else ''}"

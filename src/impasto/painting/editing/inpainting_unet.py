"""A U-Net with 9 input channels, of checkpoints that were trained for inpainting: latents, mask, and the masked picture."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from impasto.checkpoints.size import inpainting_channels
from impasto.errors import UsageError
from impasto.painting.engines.conditioned import ConditionedUNet


class InpaintingUNet:
    """A U-Net whose input is completed by the mask and the latents of the picture without its masked part.

    Their order is that of Stable Diffusion's inpainting checkpoint: latents, mask (1: painted anew), masked picture.
    """

    def __init__(self, unet: ConditionedUNet, seen: torch.Tensor) -> None:
        """`seen`: mask and masked picture of each of n pictures, [n, 1 + C, h, w]."""
        self._unet, self._seen = unet, seen

    def tell(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """See `ConditionedUNet.tell`."""
        predict = self._unet.tell(states, guided=guided)

        def complete(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            return predict(torch.cat([latents, self._seen.to(latents)], dim=1), timestep)

        return complete


def is_inpainting(unet_config: Any, vae_config: Any) -> bool:
    """Returns whether a U-Net takes the latents, a mask and the masked picture's latents."""
    return unet_config["in_channels"] == inpainting_channels(vae_config["latent_channels"])


def check_channels(components: Any, method: str) -> None:
    """Checks that a checkpoint paints by this method; "" is painting without a mask.

    Raises:
        UsageError: it was trained for inpainting, and nothing else; or the method needs such a checkpoint.
    """
    trained = is_inpainting(components.unet.config, components.vae.config)
    if trained and method != "model":
        raise UsageError(f"{components.name} only inpaints: use impasto inpaint --method model")
    if method == "model" and not trained:
        needed = inpainting_channels(components.vae.config["latent_channels"])
        raise UsageError(
            f"--method model needs a checkpoint trained for inpainting ({needed} channels), and {components.name} takes "
            f"{components.unet.config['in_channels']}: use blend or soft"
        )

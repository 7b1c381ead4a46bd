"""A U-Net with 9 input channels, of checkpoints that were trained for inpainting: latents, mask, and the masked picture."""

from collections.abc import Callable, Sequence

import torch

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

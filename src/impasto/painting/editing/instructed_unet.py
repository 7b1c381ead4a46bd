"""A U-Net that also sees the picture to be changed, and the two guidances of InstructPix2Pix (Brooks et al. 2023)."""

from collections.abc import Callable, Sequence

import torch

from impasto.painting.engines.conditioned import ConditionedUNet

Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class InstructedUNet:
    """A U-Net whose input is completed by the latents of a picture: latents first, then the picture's.

    Guided, it is evaluated three times in one batch: without picture and instruction, e(0, 0), with the picture, e(I, 0),
    and with both, e(I, T). Equation 3 of Brooks et al. (2023) is

        e = e(0, 0) + s_I (e(I, 0) - e(0, 0)) + s_T (e(I, T) - e(I, 0))

    With a = e(0, 0) + s_I (e(I, 0) - e(0, 0)) it is a + s_T (b - a), where b = a + e(I, T) - e(I, 0). So a and b are the two
    sides that every guider knows, and s_T is its weight. Not guided, it is e(I, T).
    """

    def __init__(self, unet: ConditionedUNet, seen: torch.Tensor, weights: torch.Tensor) -> None:
        """Wraps a U-Net.

        Args:
            seen: latents of the picture of each of n paintings, not scaled, [n, C, h, w].
            weights: the image guidance s_I of each, [n].
        """
        self._unet, self._seen, self._weights = unet, seen, weights.view(-1, 1, 1, 1)

    def tell(self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool) -> Predict:
        """See `ConditionedUNet.tell`."""
        if not guided:
            alone = self._unet.tell(states, guided=False)
            return lambda latents, timestep: alone(torch.cat([latents, self._seen.to(latents)], dim=1), timestep)
        away, towards = states.chunk(2) if isinstance(states, torch.Tensor) else states
        sets = [away, away, towards]
        as_one = away.shape[1] == towards.shape[1]
        three = self._unet.tell(torch.cat(sets) if as_one else sets, guided=False)

        def complete(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            seen, weights = self._seen.to(latents), self._weights.to(latents.device)
            shown = torch.cat([torch.zeros_like(seen), seen, seen])
            made = three(torch.cat([torch.cat([latents] * 3), shown], dim=1), timestep).float()
            neither, picture, both = made.chunk(3)
            base = neither + weights * (picture - neither)
            return torch.cat([base, base + (both - picture)])

        return complete

"""The training data of pocket's denoiser, all on one device: latents, codes, neighbours, text states, features."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

Encode = Callable[[Sequence[str], int], torch.Tensor]  # texts, tokens -> states [n, tokens, width]


@dataclass
class PocketData:
    """The training data, with pictures in the order of `words`.

    Attributes:
        latents: means of the posteriors, [2, n, c, h, w], the pictures and their mirror images; fp32, fp16 or int8.
        latent_scale: the factor of an int8 latent, [c]; ones otherwise.
        deviation: deviation of the posteriors, [c].
        codes: codes of the memory, [n, code].
        by_features, by_text: the works that are a picture's neighbours, int64 [n, k], without the picture itself.
        states: token states of the short texts, [texts, tokens, width], fp16.
        variants: for each picture, the numbers of its texts in `states`, int64 [n, v].
        empty: the number of the empty text in `states`.
        features: maps of a classifier for the alignment, each [n, c, h, w], normalised, fp16; if empty, no alignment.
        held_out: latents of pictures that are not trained on, [m, c, h, w], and `held_out_states` of their texts.
    """

    latents: torch.Tensor
    latent_scale: torch.Tensor
    deviation: torch.Tensor
    codes: torch.Tensor
    by_features: torch.Tensor
    by_text: torch.Tensor
    states: torch.Tensor
    variants: torch.Tensor
    empty: int
    features: tuple[torch.Tensor, ...] = ()
    held_out: torch.Tensor | None = None
    held_out_states: torch.Tensor | None = None

    def __len__(self) -> int:
        return self.latents.shape[1]

    def to(self, device: torch.device) -> "PocketData":
        """Returns the same data on `device`."""
        moved = {}
        for name, value in vars(self).items():
            if isinstance(value, torch.Tensor):
                moved[name] = value.to(device)
            elif isinstance(value, tuple):
                moved[name] = tuple(part.to(device) for part in value)
            else:
                moved[name] = value
        return PocketData(**moved)

    def latents_of(self, numbers: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
        """Draws samples of the posteriors, float32 [n, c, h, w]."""
        mean = self.latents[mirrored.long(), numbers].float() * self.latent_scale.view(1, -1, 1, 1)
        return mean + self.deviation.view(1, -1, 1, 1) * torch.randn_like(mean)

    def features_of(self, numbers: torch.Tensor, mirrored: torch.Tensor) -> list[torch.Tensor]:
        """Returns the classifier's maps, float32; the maps of mirrored pictures are mirrored."""
        flip = mirrored.bool().view(-1, 1, 1, 1)
        maps = (part[numbers].float() for part in self.features)
        return [torch.where(flip, part.flip(3), part) for part in maps]


def neighbours_by_text(
    texts: np.ndarray, pictures: np.ndarray, artists: Sequence[str], count: int, *, block: int = 512
) -> np.ndarray:
    """Returns the works that painting would find for each picture's text, best first, without itself: int64 [n, count].

    Works of the picture's own artist come first if there are enough, since a prompt names the artist most of the time.

    Args:
        texts, pictures: unit vectors of the texts and of the pictures, float32 [n, width] each.
    """
    known = {name: place for place, name in enumerate(sorted(set(artists)))}
    whose = torch.tensor([known[name] for name in artists])
    sizes = torch.bincount(whose)
    asked, shown = torch.from_numpy(texts), torch.from_numpy(pictures)
    found = []
    for start in range(0, len(asked), block):
        likeness = asked[start : start + block] @ shown.T
        rows = torch.arange(len(likeness))
        own = whose[start : start + block]
        enough = (sizes[own] > count) & torch.tensor([bool(artists[start + int(r)]) for r in rows])
        likeness += 4.0 * ((own[:, None] == whose[None, :]) & enough[:, None])
        likeness[rows, rows + start] = -9
        found.append(likeness.topk(min(count, len(asked) - 1), dim=1).indices)
    return torch.cat(found).numpy()

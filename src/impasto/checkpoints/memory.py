"""A checkpoint's memory for retrieval: codes and metadata of paintings, and the network that turns codes into tokens.

As in retrieval-augmented diffusion (Blattmann et al. 2022; Chen et al. 2022, Re-Imagen), the U-Net's cross-attention
attends to a few tokens beside the text's, each computed from one painting's code. The memory holds codes and names, but no
pictures.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.weights.files import read_weights
from impasto.weights.header import read_json

CONFIG, ENCODER, CODES, WORKS = "config.json", "encoder.safetensors", "codes.safetensors", "works.jsonl"
_STEPS = 127 / 4  # int8 levels per standard deviation: codes are kept between -4 and 4


@dataclass(frozen=True)
class MemoryConfig:
    """The shape of codes and tokens.

    Attributes:
        features: the name of the image feature extractor.
        side: side in pixels of the square input of the feature extractor.
        components: the number of principal components of the features in a code.
        latent_channels: the code ends with the mean and standard deviation of each of these channels over a painting's
            latents.
        hidden: units of the network's hidden layer.
        width: of a token, equal to the width of the text's states.
        neighbours: the number of works that a painting attends to.
    """

    features: str = "efficientnet-lite2"
    side: int = 192
    components: int = 128
    latent_channels: int = 4
    hidden: int = 512
    width: int = 384
    neighbours: int = 4

    @property
    def code(self) -> int:
        """The length of a code."""
        return self.components + 2 * self.latent_channels


class MemoryEncoder(nn.Module):
    """Computes codes from the features and latents of paintings, and tokens from codes.

    Attributes:
        mean, basis: a code's components are `(features - mean) @ basis`, [1280] and [1280, components].
        latent_mean, latent_scale: the rest of a code is `(moments - latent_mean) / latent_scale`, each
            [2 * latent_channels].
    """

    mean: torch.Tensor
    basis: torch.Tensor
    latent_mean: torch.Tensor
    latent_scale: torch.Tensor

    def __init__(self, config: MemoryConfig, features: int = 1280) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("basis", torch.zeros(features, config.components))
        self.register_buffer("latent_mean", torch.zeros(2 * config.latent_channels))
        self.register_buffer("latent_scale", torch.ones(2 * config.latent_channels))
        self.inner = nn.Linear(config.code, config.hidden)
        self.outer = nn.Linear(config.hidden, config.width)

    @torch.no_grad()
    def fit(self, features: torch.Tensor, moments: torch.Tensor) -> None:
        """Fits the principal components of `features` [n, 1280] and the moments' scale to a catalogue's paintings.

        The components are partly whitened: a component's standard deviation is the fourth root of its variance, and all are
        scaled to a mean square of 1. With full whitening, the last components, mostly noise, would count as much as the
        first.
        """
        rows = features.double()
        mean = rows.mean(dim=0)
        centred = rows - mean
        variance, directions = torch.linalg.eigh(centred.T @ centred / max(1, len(rows) - 1))
        count = self.config.components
        variance, directions = variance.flip(0)[:count].clamp(min=1e-8), directions.flip(1)[:, :count]
        basis = directions * variance.pow(-0.25)
        basis /= variance.sqrt().mean().sqrt()
        self.mean.copy_(mean)
        self.basis.copy_(basis)
        self.fit_moments(moments)

    @torch.no_grad()
    def fit_moments(self, moments: torch.Tensor) -> None:
        """Fits only the scale of the latents' moments [n, 2 * latent_channels]."""
        self.latent_mean.copy_(moments.mean(dim=0))
        self.latent_scale.copy_(moments.std(dim=0) + 1e-4)

    @torch.no_grad()
    def codes(self, features: torch.Tensor, moments: torch.Tensor) -> torch.Tensor:
        """Computes codes [n, code], between -4 and 4, from features [n, 1280] and latents' moments
        [n, 2 * latent_channels].
        """
        parts = [(features - self.mean) @ self.basis, (moments - self.latent_mean) / self.latent_scale]
        return torch.cat(parts, dim=1).clamp(-4, 4)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Computes tokens [n, k, width] from codes [n, k, code]."""
        return self.outer(nn.functional.silu(self.inner(codes)))


def to_grid(codes: torch.Tensor) -> torch.Tensor:
    """Rounds codes to values that int8 levels can represent, so that the stored codes equal those used for painting."""
    return (codes * _STEPS).round().clamp(-127, 127) / _STEPS


def latent_moments(latents: torch.Tensor) -> torch.Tensor:
    """Returns the mean and standard deviation of each channel: latents [n, c, h, w] -> [n, 2 c]."""
    flat = latents.flatten(2)
    return torch.cat([flat.mean(dim=2), flat.std(dim=2)], dim=1)


@dataclass(frozen=True)
class Work:
    """The metadata of a painting in a memory."""

    name: str
    artist: str = ""
    title: str = ""
    text: str = ""


@dataclass
class PaintingMemory:
    """A memory: works, their codes, and the network that computes tokens from the codes.

    Attributes:
        codes: float32 [n, code].
        works: the n works, in the same order.
    """

    encoder: MemoryEncoder
    codes: torch.Tensor
    works: list[Work]

    @property
    def config(self) -> MemoryConfig:
        return self.encoder.config

    def features(self) -> torch.Tensor:
        """Reconstructs the works' features from their codes: float32 [n, 1280], without the minor components."""
        components = self.codes[:, : self.config.components]
        return self.encoder.mean + components @ torch.linalg.pinv(self.encoder.basis)

    @torch.inference_mode()
    def tokens(self, places: Sequence[int]) -> torch.Tensor:
        """Returns the tokens [k, width] of the works at `places`."""
        return self.encoder(self.codes[list(places)][None])[0]


def save_memory(memory: PaintingMemory, folder: Path) -> None:
    """Writes config, network (fp16), codes (int8) and works; `load_memory` reads them."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach().half().contiguous() for name, value in memory.encoder.state_dict().items()}
    write_atomically(folder / ENCODER, save(state))
    write_atomically(folder / CODES, save({"codes": (memory.codes * _STEPS).round().clamp(-127, 127).to(torch.int8)}))
    rows = [json.dumps({k: v for k, v in asdict(work).items() if v}, ensure_ascii=False) for work in memory.works]
    write_atomically(folder / WORKS, "".join(f"{row}\n" for row in rows).encode())
    write_atomically(folder / CONFIG, json.dumps(asdict(memory.config), indent=2).encode())


def load_memory(folder: Path) -> PaintingMemory | None:
    """Loads the memory in `folder`; None if there is none.

    Raises:
        ImpastoError: the memory is incomplete.
    """
    if not (folder / CONFIG).is_file():
        return None
    try:
        config = MemoryConfig(**read_json(folder / CONFIG))
        state = read_weights([folder / ENCODER])
        encoder = MemoryEncoder(config, len(state["mean"]))
        encoder.load_state_dict({name: value.float() for name, value in state.items()})
        codes = read_weights([folder / CODES])["codes"].float() / _STEPS
        lines = (folder / WORKS).read_text("utf-8").splitlines()
        works = [_work(json.loads(line)) for line in lines]
    except (TypeError, KeyError, ValueError, RuntimeError, OSError) as error:
        raise ImpastoError(f"{folder} holds no whole memory: {str(error).splitlines()[0]}") from None
    if len(works) != len(codes) or codes.ndim != 2 or codes.shape[1] != config.code:
        raise ImpastoError(f"{folder}: {len(works)} works and codes {list(codes.shape)} do not belong together")
    return PaintingMemory(encoder.eval().requires_grad_(False), codes, works)


def _work(row: dict[str, Any]) -> Work:
    return Work(**{name: str(row.get(name, "")) for name in ("name", "artist", "title", "text")})


def nearest_codes(codes: torch.Tensor, count: int, *, block: int = 1024) -> np.ndarray:
    """Returns, for each of `codes` [n, code], the `count` others most similar by cosine, nearest first: int64 [n, count]."""
    unit = nn.functional.normalize(codes, dim=1)
    found = []
    for start in range(0, len(unit), block):
        likeness = unit[start : start + block] @ unit.T
        rows = torch.arange(len(likeness), device=unit.device)
        likeness[rows, rows + start] = -2
        found.append(likeness.topk(min(count, len(unit) - 1), dim=1).indices.cpu())
    return torch.cat(found).numpy()

"""The built-in scorer: small projections of EfficientNet-Lite2's image features and MiniLM's sentence embeddings.

CLIP (Radford et al. 2021) trains both encoders on hundreds of millions of pairs. Here the encoders are frozen, and only two
projections are trained, contrastively, on paintings with titles, styles and genres (`impasto train pocket-scorer`).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.language.minilm_files import WIDTH as TEXT_WIDTH
from impasto.language.sentence_encoder import sentence_encoder
from impasto.vision.features.efficientnet import WIDTH as IMAGE_WIDTH
from impasto.vision.features.efficientnet import ImageFeatures
from impasto.weights.content_hash import hash_files
from impasto.weights.files import fill_module, read_weights
from impasto.weights.header import read_json

SHIPPED = Path(__file__).parent / "pocket-scorer"
CONFIG, WEIGHTS, TAGS = "config.json", "model.safetensors", "tags.json"


@dataclass(frozen=True)
class ScorerConfig:
    """The shape of the projections, and values that were measured after training.

    Attributes:
        width: dimension of an embedding.
        hidden: units of each projection's hidden layer.
        side: side in pixels of the square that pictures are resized to.
        threshold: see `TextImageScorer`.
        slope: probability of a tag = sigmoid(slope * similarity + the tag's offset).
        offset: offset of a tag that the scorer was not calibrated for.
    """

    width: int = 256
    hidden: int = 512
    side: int = 192
    threshold: float = 0.0
    slope: float = 10.0
    offset: float = -6.0


class Projection(nn.Module):
    """Maps features [n, d] to unit vectors [n, width] by a linear path and one hidden layer.

    The features are first normalised to mean 0 and deviation 1.
    """

    def __init__(self, inputs: int, hidden: int, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.mean, self.deviation = nn.Buffer(torch.zeros(inputs)), nn.Buffer(torch.ones(inputs))
        self.inner, self.outer = nn.Linear(inputs, hidden), nn.Linear(hidden, width)
        self.straight = nn.Linear(inputs, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def measure(self, features: torch.Tensor) -> None:
        """Sets mean and deviation from features [n, d]."""
        self.mean.copy_(features.mean(dim=0))
        self.deviation.copy_(features.std(dim=0) + 1e-4)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        x = self.dropout(((features - self.mean) / self.deviation).clamp(-6, 6))
        return F.normalize(self.outer(self.dropout(F.gelu(self.inner(x)))) + self.straight(x), dim=-1)


class Projections(nn.Module):
    """The trained part: one projection for pictures, one for texts."""

    def __init__(self, config: ScorerConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.image = Projection(IMAGE_WIDTH, config.hidden, config.width, dropout)
        self.text = Projection(TEXT_WIDTH, config.hidden, config.width, dropout)


class PocketScorer:
    """A `TextImageScorer` that runs on a laptop, offline.

    Attributes:
        name, identity, width, threshold: see `TextImageScorer`.
        features: the image encoder. Its vectors do not depend on training; a cache should keep them.
        side: see `DifferentiableScorer`.
        projections: the trained part.
        offsets: dict from tag to the offset of its logit (`ScorerConfig.slope`).
    """

    def __init__(self, folder: Path = SHIPPED) -> None:
        """Loads the projections. The encoders are loaded on first use.

        Raises:
            MissingPart, ImpastoError: the folder does not contain a complete scorer.
        """
        values = read_json(folder / CONFIG)
        try:
            self.config = ScorerConfig(**values)
        except TypeError:
            raise ImpastoError(f"{folder / CONFIG} does not describe a pocket scorer") from None
        weights = read_weights([folder / WEIGHTS])
        self.projections = fill_module(
            lambda: Projections(self.config), weights, folder, torch.float32, torch.device("cpu")
        ).requires_grad_(False)
        self.offsets: dict[str, float] = read_json(folder / TAGS)
        self.name, self.width, self.threshold = "pocket-scorer", self.config.width, self.config.threshold
        self.identity = identity_of(folder)
        self.features, self.side = ImageFeatures(side=self.config.side), self.config.side

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        """Returns unit vectors float32 [n, width] of RGB pictures of any size."""
        return self.project(self.features.embed_images(images))

    @torch.inference_mode()
    def project(self, features: np.ndarray) -> np.ndarray:
        """Returns unit vectors float32 [n, width] from the vectors of `features`, [n, 1280]; a row of NaN stays NaN."""
        return self.projections.image(torch.from_numpy(np.asarray(features, np.float32))).numpy()

    def embed_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """Returns unit vectors float32 [n, width] of squares [n, 3, side, side] in 0 .. 1, with gradients."""
        return self.projections.image(self.features.of_pixels(pixels))

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Returns unit vectors float32 [n, width]."""
        return self.embed_sentences(sentence_encoder().vectors(texts))

    @torch.inference_mode()
    def embed_sentences(self, sentences: np.ndarray) -> np.ndarray:
        """Returns unit vectors float32 [n, width] from the texts' vectors by MiniLM, float32 [n, 384]."""
        return self.projections.text(torch.from_numpy(sentences)).numpy()


def identity_of(folder: Path) -> str:
    """Returns the SHA-256, hexadecimal, over a scorer's config and weights.

    Raises:
        ImpastoError: a file cannot be read.
    """
    return hash_files({name: folder / name for name in (CONFIG, WEIGHTS)})


def save_scorer(folder: Path, config: ScorerConfig, projections: Projections, offsets: dict[str, float]) -> None:
    """Writes a folder that `PocketScorer` can load, with the weights in fp16."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().half().contiguous() for name, value in projections.state_dict().items()}
    write_atomically(folder / WEIGHTS, save(weights))
    write_atomically(folder / TAGS, json.dumps(offsets, indent=0).encode())
    write_atomically(folder / CONFIG, json.dumps(asdict(config), indent=2).encode())

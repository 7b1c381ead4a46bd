"""The built-in tagger: EfficientNet-Lite2's features, one hidden layer, and a probability for each tag of the vocabulary.

It is trained (`impasto train pocket-tagger`) on tags found in titles and genres. It finds more of the things that titles
name than the pocket scorer does by comparing (the figures are in its model card).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.vision.features.efficientnet import WIDTH, ImageFeatures
from impasto.vision.scorers.interface import ImageEncoder
from impasto.weights.content_hash import hash_files
from impasto.weights.files import fill_module, read_weights
from impasto.weights.header import read_json

SHIPPED = Path(__file__).parent / "pocket-tagger"
CONFIG, WEIGHTS, TAGS = "config.json", "model.safetensors", "thresholds.json"


@dataclass(frozen=True)
class TaggerConfig:
    """The shape of the tagger's network.

    Attributes:
        hidden: units of the hidden layer.
        side: side in pixels of the square that pictures are resized to.
    """

    hidden: int = 512
    side: int = 192


class TagHead(nn.Module):
    """Maps features [n, 1280], first normalised to mean 0 and deviation 1, to logits [n, tags]."""

    def __init__(self, config: TaggerConfig, tags: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.mean, self.deviation = nn.Buffer(torch.zeros(WIDTH)), nn.Buffer(torch.ones(WIDTH))
        self.inner, self.outer = nn.Linear(WIDTH, config.hidden), nn.Linear(config.hidden, tags)
        self.dropout = nn.Dropout(dropout)

    def measure(self, features: torch.Tensor) -> None:
        """Sets mean and deviation from features [n, 1280]."""
        self.mean.copy_(features.mean(dim=0))
        self.deviation.copy_(features.std(dim=0) + 1e-4)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        x = self.dropout(((features - self.mean) / self.deviation).clamp(-6, 6))
        return self.outer(self.dropout(F.gelu(self.inner(x))))


class PocketTagger:
    """An `EncodingTagger` that runs on a laptop, offline.

    At a tag's threshold, the number of paintings that get the tag equals the number that are expected to show it. There
    false positives and false negatives balance (the break-even point), for "woman" as for "windmill".

    Attributes:
        name, identity, tags, thresholds, encoder: see `EncodingTagger`.
    """

    name = "pocket-tagger"

    def __init__(self, folder: Path = SHIPPED) -> None:
        """Loads the head. The image encoder is loaded on first use.

        Raises:
            MissingPart, ImpastoError: the folder does not contain a complete tagger.
        """
        try:
            config = TaggerConfig(**read_json(folder / CONFIG))
            found = {str(tag): float(at) for tag, at in read_json(folder / TAGS).items()}
        except (TypeError, ValueError):
            raise ImpastoError(f"{folder / CONFIG} and {TAGS} do not describe a pocket tagger") from None
        self.tags = tuple(found)
        self.thresholds: np.ndarray | None = np.array(list(found.values()), np.float32)
        weights = read_weights([folder / WEIGHTS])
        self._head = fill_module(
            lambda: TagHead(config, len(self.tags)), weights, folder, torch.float32, torch.device("cpu")
        )
        self.identity = hash_files({name: folder / name for name in (CONFIG, WEIGHTS, TAGS)})
        self.encoder: ImageEncoder = ImageFeatures(side=config.side)

    def probabilities(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Returns probabilities float32 [n, tags], 0..1, of RGB pictures of any size."""
        return self.probabilities_of(self.encoder.embed_images(images))

    @torch.inference_mode()
    def probabilities_of(self, vectors: np.ndarray) -> np.ndarray:
        """Returns probabilities float32 [n, tags] from features [n, 1280]; a row of NaN stays NaN."""
        return self._head(torch.from_numpy(np.asarray(vectors, np.float32))).sigmoid().numpy()


def save_tagger(folder: Path, config: TaggerConfig, head: TagHead, thresholds: dict[str, float]) -> None:
    """Writes a folder that `PocketTagger` can load, with the weights in fp16.

    `thresholds`: the threshold of each tag, in the head's order.
    """
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().half().contiguous() for name, value in head.state_dict().items()}
    write_atomically(folder / WEIGHTS, save(weights))
    write_atomically(folder / TAGS, json.dumps(thresholds, indent=0, ensure_ascii=False).encode())
    write_atomically(folder / CONFIG, json.dumps(asdict(config), indent=2).encode())

"""The built-in captioner: a small language model writes the caption after a prefix made of the picture's features.

The method is ClipCap (Mokady et al. 2021): a network maps an image's features to a few embedding vectors in place of words,
and the language model continues them with the caption. Here the features are EfficientNet-Lite2's, and the language model
is SmolLM2-135M with a small LoRA. The tags follow the prefix in its prompt.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from impasto.errors import ImpastoError, MissingPart
from impasto.files import write_atomically
from impasto.language.smollm2 import smollm2_folder
from impasto.vision.captioners.interface import clean_caption
from impasto.vision.captioners.sampling import Drawing, draw_continuations
from impasto.vision.features.efficientnet import WIDTH as IMAGE_WIDTH
from impasto.vision.features.efficientnet import ImageFeatures
from impasto.weights.content_hash import hash_files
from impasto.weights.files import fill_module, read_weights
from impasto.weights.header import read_json
from impasto.weights.transformers_folder import quietly

SHIPPED = Path(__file__).parent / "pocket-captioner"
CONFIG, WEIGHTS = "config.json", "model.safetensors"
_ROWS = 96  # captions that are generated in one batch
_STEP = 8  # prompts are padded to a multiple of this many tokens, and batched by length


@dataclass(frozen=True)
class CaptionerConfig:
    """The shape of the captioner's network, and its sampling options.

    Attributes:
        prefix: number of prefix vectors that represent the picture.
        hidden: units of the hidden layer that computes them.
        rank: rank of the LoRA on the language model's projections (Hu et al. 2021).
        side: side in pixels of the square that pictures are resized to.
        told: maximum number of tags in the prompt.
        longest: maximum number of tokens of a caption.
        temperature: sampling temperature of all candidates but the first, which is decoded greedily.
    """

    prefix: int = 6
    hidden: int = 384
    rank: int = 8
    side: int = 192
    told: int = 6
    longest: int = 28
    temperature: float = 0.8


class PrefixNetwork(nn.Module):
    """Maps features [n, 1280] to prefix vectors [n, prefix, width] of the language model.

    The features are first normalised to mean 0 and deviation 1.
    """

    def __init__(self, config: CaptionerConfig, width: int) -> None:
        super().__init__()
        self.mean, self.deviation = nn.Buffer(torch.zeros(IMAGE_WIDTH)), nn.Buffer(torch.ones(IMAGE_WIDTH))
        self.inner = nn.Linear(IMAGE_WIDTH, config.hidden)
        self.outer = nn.Linear(config.hidden, config.prefix * width)
        self.norm = nn.LayerNorm(width)
        self.shape = (config.prefix, width)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        x = ((features - self.mean) / self.deviation).clamp(-6, 6)
        return self.norm(self.outer(F.gelu(self.inner(x))).unflatten(1, self.shape))


def prompt_for(tags: Sequence[str]) -> str:
    """Returns the prompt text that follows the picture's prefix."""
    return f"Seen: {', '.join(tags)}.\nCaption:" if tags else "Caption:"


def with_lora(model: Any, rank: int) -> Any:
    """Adds LoRA to all linear layers of the language model except the last one.

    Raises:
        MissingPart: peft is not installed.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise MissingPart("the captioner needs peft: pip install 'impasto[data]'") from None
    choices = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    return get_peft_model(model, choices)


def load_language_model() -> tuple[Any, Any]:
    """Loads SmolLM2 in fp32 and its tokenizer.

    Raises:
        MissingPart: its package, or a package that reads its file, is not installed.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = smollm2_folder()
    with quietly():
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    return model, tokenizer


class PocketCaptioner:
    """A `Captioner` that runs on a laptop, offline.

    Attributes:
        name, identity: see `Captioner`.
        features: the image encoder; its vectors can be cached.
        language_model, tokenizer: the language model with the LoRA merged in, and its tokenizer.
    """

    name = "pocket-captioner"

    def __init__(self, folder: Path = SHIPPED, *, language_model: tuple[Any, Any] | None = None) -> None:
        """Loads prefix network and language model.

        Raises:
            MissingPart, ImpastoError: the folder does not contain a complete captioner, or a package is not installed.
        """
        from peft import set_peft_model_state_dict

        values = read_json(folder / CONFIG)
        try:
            self.config = CaptionerConfig(**values)
        except TypeError:
            raise ImpastoError(f"{folder / CONFIG} does not describe a pocket captioner") from None
        weights = read_weights([folder / WEIGHTS])
        model, self.tokenizer = language_model or load_language_model()
        lora = {name.removeprefix("lora."): value.float() for name, value in weights.items() if name.startswith("lora.")}
        tuned = with_lora(model, self.config.rank)
        told = set_peft_model_state_dict(tuned, lora)
        if told.unexpected_keys or not lora:
            raise ImpastoError(f"{folder / WEIGHTS} does not fit the language model on this machine")
        self.language_model: Any = tuned.merge_and_unload().eval()
        prefix = {name.removeprefix("prefix."): value for name, value in weights.items() if name.startswith("prefix.")}
        width = self.language_model.config.hidden_size
        make = lambda: PrefixNetwork(self.config, width)  # noqa: E731
        self._prefix = fill_module(make, prefix, folder, torch.float32, torch.device("cpu"))
        self.identity = hash_files({name: folder / name for name in (CONFIG, WEIGHTS)})
        self.features = ImageFeatures(side=self.config.side)

    def caption(
        self, images: Sequence[Image.Image], *, tags: Sequence[Sequence[str]] | None, count: int, seeds: Sequence[int]
    ) -> list[list[str]]:
        """See `Captioner.caption`: the first candidate is decoded greedily, the others are sampled."""
        return self.caption_features(self.features.embed_images(images), tags=tags, count=count, seeds=seeds)

    @torch.inference_mode()
    def caption_features(
        self, features: np.ndarray, *, tags: Sequence[Sequence[str]] | None, count: int, seeds: Sequence[int]
    ) -> list[list[str]]:
        """Like `caption`, from features [n, 1280] of pictures."""
        together = max(1, _ROWS // count)
        ids = [self._ids(some) for some in tags or [()] * len(features)]
        by_length: dict[int, list[int]] = {}
        for place, row in enumerate(ids):
            by_length.setdefault(-(-len(row) // _STEP) * _STEP, []).append(place)
        found: list[list[str]] = [[]] * len(features)
        for length, places in by_length.items():
            for start in range(0, len(places), together):
                part = places[start : start + together]
                prompts = self._prompts(features[part], [ids[n] for n in part])
                written = self._write(prompts, self.config.prefix + length, count, [seeds[n] for n in part])
                for place, texts in zip(part, written, strict=True):
                    found[place] = texts
        return found

    @torch.inference_mode()
    def prompts(self, features: np.ndarray, tags: Sequence[Sequence[str]]) -> list[torch.Tensor]:
        """Returns the language model's input embeddings, each [length, width]: a picture's prefix, then its tags."""
        return self._prompts(features, [self._ids(some) for some in tags])

    def _ids(self, tags: Sequence[str]) -> list[int]:
        text = prompt_for(tags[: self.config.told])
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def _prompts(self, features: np.ndarray, ids: Sequence[list[int]]) -> list[torch.Tensor]:
        words = [self.language_model.get_input_embeddings()(torch.tensor(row)) for row in ids]
        prefixes = self._prefix(torch.from_numpy(features))
        return [torch.cat([prefix, row]) for prefix, row in zip(prefixes, words, strict=True)]

    def _write(
        self, prompts: Sequence[torch.Tensor], length: int, count: int, seeds: Sequence[int]
    ) -> list[list[str]]:
        config, end = self.config, self.tokenizer.eos_token_id
        drawing = Drawing(config.longest, config.temperature, end)
        rows = draw_continuations(self.language_model, prompts, length, count, seeds, drawing)
        texts = [
            clean_caption(
                self.tokenizer.decode(row, skip_special_tokens=True).split("\n")[0], ended=len(row) < config.longest
            )
            for row in rows
        ]
        return [texts[start : start + count] for start in range(0, len(texts), count)]


def is_pocket_captioner(folder: Path) -> bool:
    """Returns whether the folder's config describes a pocket captioner."""
    try:
        CaptionerConfig(**read_json(folder / CONFIG))
    except (ImpastoError, TypeError):
        return False
    return True


def save_captioner(folder: Path, config: CaptionerConfig, prefix: PrefixNetwork, tuned: Any) -> None:
    """Writes a folder that `PocketCaptioner` can load, with the weights in fp16.

    `tuned`: the model that `with_lora` returned.
    """
    from peft import get_peft_model_state_dict
    from safetensors.torch import save

    weights = {f"prefix.{name}": value for name, value in prefix.state_dict().items()}
    weights |= {f"lora.{name}": value for name, value in get_peft_model_state_dict(tuned).items()}
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / WEIGHTS, save({name: value.detach().half().contiguous() for name, value in weights.items()}))
    write_atomically(folder / CONFIG, json.dumps(asdict(config), indent=2).encode())

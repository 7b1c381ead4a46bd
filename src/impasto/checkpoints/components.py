"""What a checkpoint is made of, loaded: VAE, U-Net, text encoder, tokenizer and noise schedule."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from impasto.checkpoints.applied_adapters import AppliedConcept, AppliedLora
from impasto.checkpoints.guide import has_guide, load_guide
from impasto.checkpoints.memory import PaintingMemory, load_memory
from impasto.checkpoints.painting_defaults import PaintingDefaults, read_painting_defaults
from impasto.errors import ImpastoError
from impasto.language.minilm import text_inputs, token_states
from impasto.weights.content_hash import MEMORY, memory_hash

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel


@dataclass
class Components:
    """A loaded checkpoint.

    Attributes:
        name: what it was asked for by, and what was laid over it.
        content_hash: SHA-256 over its weights and configs, and over what was laid over it, hexadecimal.
        vae: maps pictures [n, 3, h, w] in -1..1 to latents [n, c, h/8, w/8]; the U-Net sees them times
            `vae.config.scaling_factor` (after `shift_factor`, where there is one, is taken off).
        unet: predicts what `scheduler_config["prediction_type"]` names.
        text_encoder: gives token states [n, max_tokens, width].
        artists: whom it saw, `{"name": str, "works": int}`, most works first; empty where not written down.
        folder: where it lies; None for a single file.
        default_size: pixels of a side of the pictures it was trained on.
        license: an SPDX name, or "" where unknown.
        loras, concepts: what was laid over it (`apply_loras`, `add_concept`), in that order.
        base_name, base_hash: name and content hash before that; filled in from `name` and `content_hash`.
    """

    name: str
    content_hash: str
    vae: "AutoencoderKL"
    unet: "UNet2DConditionModel"
    text_encoder: torch.nn.Module
    tokenizer: Any
    scheduler_config: dict[str, Any]
    artists: list[dict[str, Any]] = field(default_factory=list)
    folder: Path | None = None
    default_size: int = 512
    max_tokens: int = 77
    license: str = ""
    loras: tuple[AppliedLora, ...] = ()
    concepts: tuple[AppliedConcept, ...] = ()
    base_name: str = ""
    base_hash: str = ""

    def __post_init__(self) -> None:
        self.base_name = self.base_name or self.name
        self.base_hash = self.base_hash or self.content_hash

    @cached_property
    def memory(self) -> PaintingMemory | None:
        """The works that it may look at, read when first asked for; None where it has none.

        Raises:
            ImpastoError: it has one that is not whole, or not for its U-Net.
        """
        found = load_memory(self.folder / MEMORY) if self.folder is not None else None
        width = self.unet.config["cross_attention_dim"]
        if found is not None and found.config.width != width:
            raise ImpastoError(
                f"{self.folder}: its memory's tokens are {found.config.width} wide, but its U-Net attends to {width}"
            )
        return found

    @cached_property
    def guide(self) -> "UNet2DConditionModel | None":
        """The weaker snapshot of its U-Net, read when first asked for; None where it has none.

        Raises:
            MissingPart, ImpastoError: it has one that is not whole, or not for its U-Net.
        """
        return load_guide(self.folder, self.unet) if self.folder is not None and has_guide(self.folder) else None

    @cached_property
    def painting_defaults(self) -> PaintingDefaults:
        """How it is best painted with, as it says itself.

        Raises:
            ImpastoError: it says so in a file that is broken.
        """
        return read_painting_defaults(self.folder)

    @cached_property
    def memory_hash(self) -> str:
        """SHA-256 over the memory's files, hexadecimal; "" without one."""
        return memory_hash(self.folder) if self.folder is not None else ""

    def encode_text(self, texts: list[str]) -> torch.Tensor:
        """Token states [len(texts), max_tokens, width] of texts padded or cut to `max_tokens`."""
        return token_states(self.text_encoder, self.tokenizer, [self._spelled(text) for text in texts], self.max_tokens)

    def text_inputs(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What `encode_text` calls the text encoder with; training does the same, and keeps the gradients."""
        return text_inputs(self.text_encoder, self.tokenizer, [self._spelled(text) for text in texts], self.max_tokens)

    def unread(self, text: str) -> str:
        """The end of a text for which the text encoder has no token left; "" where it reads all of it."""
        text = self._spelled(text)
        places = self.tokenizer(text, truncation=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
        # The last token that is read marks the end.
        return "" if len(places) <= self.max_tokens else text[places[self.max_tokens - 1][0] :]

    def _spelled(self, text: str) -> str:
        """`text` with each concept's word written out as all its tokens; words are told apart as the tokenizer does."""
        for concept in self.concepts:
            word = rf"(?<!\w){re.escape(concept.name)}(?!\w)"
            text = re.sub(word, lambda _, tokens=concept.tokens: " ".join(tokens), text, flags=re.IGNORECASE)
        return text

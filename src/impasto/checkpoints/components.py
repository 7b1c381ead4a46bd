"""The `Components` class: a loaded checkpoint's VAE, U-Net, text encoder, tokenizer and noise schedule."""

import re
from collections.abc import Sequence
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
from impasto.language.weighted_states import weighted_states
from impasto.weights.content_hash import MEMORY, memory_hash

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel


@dataclass
class Components:
    """A loaded checkpoint.

    Attributes:
        name: the name that the user loaded it by, with the names of applied adapters.
        content_hash: SHA-256 over its weights and configs, and over applied adapters, hexadecimal.
        vae: maps pictures [n, 3, h, w] in -1..1 to latents [n, c, h/8, w/8]; the U-Net takes them times
            `vae.config.scaling_factor` (after `shift_factor`, if there is one, is subtracted).
        unet: predicts the quantity that `scheduler_config["prediction_type"]` names.
        text_encoder: returns token states [n, max_tokens, width].
        artists: the artists it was trained on, `{"name": str, "works": int}`, most works first; empty if not recorded.
        folder: the checkpoint's folder; None for a single file.
        default_size: side in pixels of the pictures it was trained on.
        license: an SPDX name, or "" if unknown.
        loras, concepts: the applied adapters (`apply_loras`, `add_concept`), in that order.
        base_name, base_hash: name and content hash without adapters; filled in from `name` and `content_hash`.
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
        """The checkpoint's memory of works for retrieval, read on first access; None if it has none.

        Raises:
            ImpastoError: its memory is incomplete, or does not fit its U-Net.
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
        """The U-Net that guidance leads away from (`checkpoints.guide`), read on first access; None if it has none.

        Raises:
            MissingPart, ImpastoError: its guide is incomplete, or does not fit its U-Net.
        """
        return load_guide(self.folder, self.unet) if self.folder is not None and has_guide(self.folder) else None

    @cached_property
    def painting_defaults(self) -> PaintingDefaults:
        """The checkpoint's own default settings for painting, from `painting.json`.

        Raises:
            ImpastoError: that file is broken.
        """
        return read_painting_defaults(self.folder)

    @cached_property
    def memory_hash(self) -> str:
        """SHA-256 over the memory's files, hexadecimal; "" without a memory."""
        return memory_hash(self.folder) if self.folder is not None else ""

    def encode_text(self, texts: list[str]) -> torch.Tensor:
        """Returns token states [len(texts), max_tokens, width] of texts padded or cut to `max_tokens`."""
        return token_states(self.text_encoder, self.tokenizer, [self.spelled(text) for text in texts], self.max_tokens)

    def encode_weighted(self, texts: Sequence[Sequence[tuple[str, float]]]) -> torch.Tensor:
        """Returns token states [1, len(texts) * max_tokens, width]: each text is encoded on its own, its words weighted.

        A text is a sequence of words and their weights; one without words is the empty text.
        """
        return torch.cat(
            [
                weighted_states(
                    self.text_encoder,
                    self.tokenizer,
                    [(self.spelled(words), weight) for words, weight in text],
                    self.max_tokens,
                )
                for text in texts
            ],
            dim=1,
        )

    def count_tokens(self, texts: list[str]) -> int:
        """Returns the number of tokens of the longest text, with its special tokens; `max_tokens` at most."""
        read = self.tokenizer([self.spelled(text) for text in texts], truncation=True, max_length=self.max_tokens)
        return max(map(len, read["input_ids"]))

    def text_inputs(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Returns the text encoder's inputs, as `encode_text` uses them; training uses the same, and keeps the gradients."""
        return text_inputs(self.text_encoder, self.tokenizer, [self.spelled(text) for text in texts], self.max_tokens)

    def unread(self, text: str) -> str:
        """Returns the end of a text that is cut off at the text encoder's token limit; "" if nothing is cut off."""
        text = self.spelled(text)
        places = self.tokenizer(text, truncation=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
        # The last of the `max_tokens` tokens marks the end of the text.
        return "" if len(places) <= self.max_tokens else text[places[self.max_tokens - 1][0] :]

    def unknown(self, text: str) -> list[str]:
        """Returns the words of a text for which the tokenizer has only its token for unknown ones, in order, each once.

        CLIP's tokenizer knows every byte, so there is none; BERT's knows neither emoji nor most scripts.
        """
        text = self.spelled(text)
        read = self.tokenizer(
            text, truncation=False, return_offsets_mapping=True, return_special_tokens_mask=True, verbose=False
        )
        places = zip(read["input_ids"], read["offset_mapping"], read["special_tokens_mask"], strict=True)
        unknown = self.tokenizer.unk_token_id
        return list(dict.fromkeys(text[a:b] for number, (a, b), special in places if number == unknown and not special))

    def spelled(self, text: str) -> str:
        """Returns `text` with each concept's word replaced by all its tokens; word boundaries are those of the tokenizer."""
        for concept in self.concepts:
            word = rf"(?<!\w){re.escape(concept.name)}(?!\w)"
            text = re.sub(word, lambda _, tokens=concept.tokens: " ".join(tokens), text, flags=re.IGNORECASE)
        return text

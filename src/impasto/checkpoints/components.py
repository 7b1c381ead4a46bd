"""What a checkpoint is made of, loaded: VAE, U-Net, text encoder, tokenizer and noise schedule."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from impasto.checkpoints.minilm import token_states

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel


@dataclass
class Components:
    """A loaded checkpoint.

    Attributes:
        name: what it was asked for by.
        content_hash: SHA-256 over its weights and configs, hexadecimal.
        vae: maps pictures [n, 3, h, w] in -1..1 to latents [n, c, h/8, w/8]; the U-Net sees them times
            `vae.config.scaling_factor` (after `shift_factor`, where there is one, is taken off).
        unet: predicts what `scheduler_config["prediction_type"]` names.
        text_encoder: gives token states [n, max_tokens, width].
        artists: whom it saw, `{"name": str, "works": int}`, most works first; empty where not written down.
        folder: where it lies; None for a single file.
        default_size: pixels of a side of the pictures it was trained on.
        license: an SPDX name, or "" where unknown.
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

    def encode_text(self, texts: list[str]) -> torch.Tensor:
        """Token states [len(texts), max_tokens, width] of texts padded or cut to `max_tokens`."""
        return token_states(self.text_encoder, self.tokenizer, texts, self.max_tokens)

    def unread(self, text: str) -> str:
        """The end of a text for which the text encoder has no token left; "" where it reads all of it."""
        places = self.tokenizer(text, truncation=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
        # The last token that is read marks the end.
        return "" if len(places) <= self.max_tokens else text[places[self.max_tokens - 1][0] :]

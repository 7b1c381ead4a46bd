"""Encodes a text whose words have weights: each token's state is multiplied by the weight of its word.

Afterwards the states are scaled back, since a U-Net has seen states of one magnitude only. A1111's web UI restores their
mean. That serves CLIP, whose states have a mean of about a tenth of their root mean square. MiniLM's mean is near 0 (below a
fortieth, measured on pocket's prompts) and changes its sign from text to text, so there the root mean square is restored.
"""

from collections.abc import Sequence
from typing import Any

import torch

_SURE_MEAN = 0.05  # of the root mean square: below it the mean is too near 0 to scale by


def weighted_states(
    model: torch.nn.Module, tokenizer: Any, pieces: Sequence[tuple[str, float]], max_tokens: int
) -> torch.Tensor:
    """Returns the token states [1, max_tokens, width] of the pieces' joint text; no gradients.

    Args:
        model: the text encoder.
        tokenizer: its fast tokenizer, padded or cut to `max_tokens`.
        pieces: words and their weights, in order. Padding and the marks of start and end have weight 1.
        max_tokens: as in `token_states`; words beyond it have no effect.
    """
    from impasto.language.minilm import token_states

    text = "".join(words for words, _ in pieces)
    states = token_states(model, tokenizer, [text], max_tokens)
    weights = token_weights(tokenizer, pieces, max_tokens).to(states)
    if bool((weights == 1).all()):
        return states
    return rescaled(states * weights[None, :, None], states)


def token_weights(tokenizer: Any, pieces: Sequence[tuple[str, float]], max_tokens: int) -> torch.Tensor:
    """Returns the weight of every token, fp32 [max_tokens]: that of the piece in which the token begins."""
    text = "".join(words for words, _ in pieces)
    tokens = tokenizer(
        text, padding="max_length", max_length=max_tokens, truncation=True, return_offsets_mapping=True,
        return_special_tokens_mask=True,
    )  # fmt: skip
    by_letter = [weight for words, weight in pieces for _ in words]
    weights = torch.ones(max_tokens)
    for place, ((start, end), special) in enumerate(
        zip(tokens["offset_mapping"], tokens["special_tokens_mask"], strict=True)
    ):
        # A token of CLIP's may begin with the space before its word.
        while start < end and text[start].isspace():
            start += 1
        if not special and start < end:
            weights[place] = by_letter[start]
    return weights


def rescaled(states: torch.Tensor, former: torch.Tensor) -> torch.Tensor:
    """Returns `states` [1, n, width] with the mean of `former`, or with its root mean square if that mean is near 0."""
    size, changed = former.float().square().mean().sqrt(), states.float().square().mean().sqrt()
    mean, new_mean = former.float().mean(), states.float().mean()
    if abs(mean) > _SURE_MEAN * size and abs(new_mean) > _SURE_MEAN * changed and mean * new_mean > 0:
        return states * (mean / new_mean).to(states.dtype)
    return states * (size / changed.clamp(min=1e-12)).to(states.dtype)

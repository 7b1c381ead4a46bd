"""Several continuations each of several prompts that are vectors; each depends on its own prompt and seed alone.

transformers' `generate` has one generator for all rows: a picture's captions would depend on the pictures beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Drawing:
    """How tokens are chosen.

    Attributes:
        longest: tokens of a continuation at most.
        temperature: of all continuations of a prompt but the first, which takes the likeliest token each time.
        end: the token that ends a continuation.
        likeliest: tokens that are drawn from.
    """

    longest: int
    temperature: float
    end: int
    likeliest: int = 40


@torch.inference_mode()
def draw_continuations(
    model: Any, prompts: Sequence[torch.Tensor], length: int, count: int, seeds: Sequence[int], drawing: Drawing
) -> list[list[int]]:
    """The tokens of `count` continuations of each prompt [n_k, width], in the prompts' order, without the end token.

    Every prompt is padded to `length`: with other numbers of rows or columns the last digits, and so a word, could differ.
    """
    padding = model.get_input_embeddings()(torch.tensor([drawing.end]))
    embedded = torch.stack([torch.cat([padding.expand(length - len(p), -1), p]) for p in prompts])
    mask = torch.tensor([[0] * (length - len(p)) + [1] * len(p) for p in prompts])
    answer = model(inputs_embeds=embedded, attention_mask=mask, position_ids=_positions(mask), use_cache=True,
                   logits_to_keep=1)  # fmt: skip
    cache = answer.past_key_values
    cache.batch_repeat_interleave(count)
    logits, mask = answer.logits[:, -1].repeat_interleave(count, 0), mask.repeat_interleave(count, 0)
    draws = [np.random.default_rng([seed, number]) for seed in seeds for number in range(count)]
    greedy = [number == 0 for _ in seeds for number in range(count)]
    rows: list[list[int]] = [[] for _ in draws]
    ended = [False] * len(rows)
    for _ in range(drawing.longest):
        chosen = _choose(logits, draws, greedy, drawing)
        for place, token in enumerate(chosen):
            ended[place] = ended[place] or token == drawing.end
            if not ended[place]:
                rows[place].append(token)
        if all(ended):
            break
        mask = torch.cat([mask, torch.ones(len(rows), 1, dtype=mask.dtype)], dim=1)
        answer = model(input_ids=torch.tensor(chosen)[:, None], attention_mask=mask,
                       position_ids=_positions(mask)[:, -1:], past_key_values=cache, use_cache=True)  # fmt: skip
        logits = answer.logits[:, -1]
    return rows


def _choose(
    logits: torch.Tensor, draws: Sequence[np.random.Generator], greedy: Sequence[bool], drawing: Drawing
) -> list[int]:
    """One token a row: the likeliest, or one of `drawing.likeliest` by the Gumbel trick."""
    values, tokens = logits.topk(min(drawing.likeliest, logits.shape[-1]), dim=-1)
    chosen = []
    for row, (draw, plain) in enumerate(zip(draws, greedy, strict=True)):
        noise = 0.0 if plain else draw.gumbel(size=values.shape[1])
        place = int(np.argmax(values[row].numpy() / drawing.temperature + noise))
        chosen.append(int(tokens[row, place]))
    return chosen


def _positions(mask: torch.Tensor) -> torch.Tensor:
    """Token positions [n, length] that count from the first one that is no padding."""
    return (mask.cumsum(dim=1) - 1).clamp(min=0)

"""Samples several continuations of several prompts given as embeddings; each depends only on its own prompt and seed.

transformers' `generate` uses one random generator for all rows, so captions would depend on the rest of the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

_FEWEST = 4


@dataclass(frozen=True)
class Drawing:
    """Options of the sampling.

    Attributes:
        longest: maximum number of tokens of a continuation.
        temperature: sampling temperature of all continuations of a prompt but the first, which is greedy.
        end: the token that ends a continuation.
        likeliest: number of most probable tokens to sample from (top-k).
    """

    longest: int
    temperature: float
    end: int
    likeliest: int = 40


@torch.inference_mode()
def draw_continuations(
    model: Any, prompts: Sequence[torch.Tensor], length: int, count: int, seeds: Sequence[int], drawing: Drawing
) -> list[list[int]]:
    """Returns the tokens of `count` continuations of each prompt [n_k, width], in the prompts' order, without the end token.

    Every prompt is padded to `length`, and at least four rows go through the model. With another length, or with fewer rows,
    which use other matrix products, the last digits differ, and so a word could differ. Rows that have ended are removed
    from the batch.
    """
    given = len(prompts) * count
    short = max(0, _FEWEST - len(prompts))
    prompts, seeds = [*prompts, *([prompts[0]] * short)], [*seeds, *([seeds[0]] * short)]
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
    writing = list(range(len(rows)))  # the rows in the batch; some of them have ended
    ended = [row >= given for row in writing]
    for _ in range(drawing.longest):
        chosen = _choose(logits, [draws[row] for row in writing], [greedy[row] for row in writing], drawing)
        for row, token in zip(writing, chosen, strict=True):
            ended[row] = ended[row] or token == drawing.end
            if not ended[row]:
                rows[row].append(token)
        if all(ended):
            break
        kept = [place for place, row in enumerate(writing) if not ended[row]]
        if len(kept) <= 0.8 * len(writing) and len(writing) > _FEWEST:
            kept += [place for place, row in enumerate(writing) if ended[row]][: max(0, _FEWEST - len(kept))]
            cache.batch_select_indices(torch.tensor(kept))
            writing, chosen, mask = [writing[n] for n in kept], [chosen[n] for n in kept], mask[kept]
        mask = torch.cat([mask, torch.ones(len(writing), 1, dtype=mask.dtype)], dim=1)
        answer = model(input_ids=torch.tensor(chosen)[:, None], attention_mask=mask,
                       position_ids=_positions(mask)[:, -1:], past_key_values=cache, use_cache=True)  # fmt: skip
        logits = answer.logits[:, -1]
    return rows[:given]


def _choose(
    logits: torch.Tensor, draws: Sequence[np.random.Generator], greedy: Sequence[bool], drawing: Drawing
) -> list[int]:
    """Chooses one token per row: the most probable one, or one of `drawing.likeliest` by the Gumbel trick."""
    values, tokens = logits.topk(min(drawing.likeliest, logits.shape[-1]), dim=-1)
    chosen = []
    for row, (draw, plain) in enumerate(zip(draws, greedy, strict=True)):
        noise = 0.0 if plain else draw.gumbel(size=values.shape[1])
        place = int(np.argmax(values[row].numpy() / drawing.temperature + noise))
        chosen.append(int(tokens[row, place]))
    return chosen


def _positions(mask: torch.Tensor) -> torch.Tensor:
    """Returns token positions [n, length], counted from the first token that is not padding."""
    return (mask.cumsum(dim=1) - 1).clamp(min=0)

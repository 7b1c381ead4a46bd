"""Attention that is edited: the maps of a source picture are put into the pictures beside it (Hertz et al. 2022)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from impasto.painting.prompt_to_prompt.words import Correspondence

# Self-attention maps of at most so many positions are replaced, as in the authors' program (16 x 16).
MOST_POSITIONS = 256


@dataclass(frozen=True)
class AttentionEdit:
    """What one edited picture takes from the source's attention.

    Attributes:
        words: how the tokens of both texts correspond.
        equalizer: what each token's attention is multiplied with, float32 [tokens].
        cross, itself: the shares of the steps, from the first on, in which the maps of cross-attention and of self-attention
            are those of the source.
    """

    words: Correspondence
    equalizer: torch.Tensor
    cross: float = 0.8
    itself: float = 0.4


@dataclass
class AttentionMaps:
    """The mean maps of cross-attention, summed over steps and layers, by the number of positions.

    Attributes:
        sums: positions -> float32 [rows, positions, tokens].
        counts: positions -> how many maps are in the sum.
    """

    sums: dict[int, torch.Tensor] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def add(self, maps: torch.Tensor) -> None:
        """Adds the maps [rows, positions, tokens] of a layer."""
        positions = maps.shape[1]
        self.sums[positions] = maps + self.sums[positions] if positions in self.sums else maps.clone()
        self.counts[positions] = self.counts.get(positions, 0) + 1

    def finest(self, most: int = MOST_POSITIONS) -> torch.Tensor:
        """Returns the mean maps [rows, positions, tokens] of the finest layers with at most `most` positions.

        The authors' program takes layers by their number in Stable Diffusion; other U-Nets have others.
        """
        fitting = [positions for positions in self.sums if positions <= most] or list(self.sums)
        positions = max(fitting)
        return self.sums[positions] / self.counts[positions]


class AttentionController:
    """Edits the attention of a batch: row 0 is the source, each other row has an `AttentionEdit`.

    Attributes:
        maps: what cross-attention looked at so far.
        share: the share of the steps that are done; the caller sets it before each evaluation.
        active: whether the evaluation at hand is one of the prompts, not of the negative prompt.
    """

    def __init__(self, edits: Sequence[AttentionEdit]) -> None:
        self._edits = list(edits)
        self.maps = AttentionMaps()
        self.share, self.active = 0.0, False

    def cross(self, maps: torch.Tensor, rows: int) -> torch.Tensor:
        """Edits and records maps of cross-attention [rows * heads, positions, tokens]."""
        heads = maps.unflatten(0, (rows, -1))
        for row, edit in enumerate(self._edits, start=1):
            if self.share >= edit.cross:
                continue
            mapper, known = edit.words.mapper.to(maps), edit.words.known.to(maps)
            taken = heads[0] @ mapper
            mixed = taken * known + heads[row] * (1 - known)
            heads[row] = mixed * edit.equalizer.to(maps)
        self.maps.add(heads.mean(dim=1).float())
        return heads.flatten(0, 1)

    def itself(self, maps: torch.Tensor, rows: int) -> torch.Tensor:
        """Edits maps of self-attention [rows * heads, positions, positions]."""
        if maps.shape[1] > MOST_POSITIONS:
            return maps
        heads = maps.unflatten(0, (rows, -1))
        for row, edit in enumerate(self._edits, start=1):
            if self.share < edit.itself:
                heads[row] = heads[0]
        return heads.flatten(0, 1)


class ControlledAttention:
    """A diffusers attention processor that computes the maps one by one and gives them to a controller."""

    def __init__(self, controller: AttentionController, *, crosses: bool) -> None:
        """`crosses`: whether the layer attends to the text."""
        self._controller, self._crosses = controller, crosses

    def __call__(
        self, attn: Any, hidden_states: torch.Tensor, encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None, *_: Any, **__: Any,
    ) -> torch.Tensor:  # fmt: skip
        """hidden_states [rows, positions, C] -> the same shape, as diffusers' `AttnProcessor` computes it."""
        states = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (attn.head_to_batch_dim(part) for part in
                             (attn.to_q(hidden_states), attn.to_k(states), attn.to_v(states)))  # fmt: skip
        maps = attn.get_attention_scores(query, key, attention_mask)
        if self._controller.active:
            edit = self._controller.cross if self._crosses else self._controller.itself
            maps = edit(maps, len(hidden_states))
        mixed = attn.batch_to_head_dim(torch.bmm(maps, value))
        return attn.to_out[1](attn.to_out[0](mixed))


def control(unet: Any, controller: AttentionController) -> None:
    """Gives all attentions of a U-Net to a controller, in place; use a copy that shares the weights."""
    unet.set_attn_processor(
        {name: ControlledAttention(controller, crosses=name.endswith("attn2.processor")) for name in unet.attn_processors}
    )

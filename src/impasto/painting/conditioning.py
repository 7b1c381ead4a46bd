"""Builds the cross-attention states for each picture of a batch: its text's states, followed by its memory tokens."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from impasto.painting.guidance.conditions import Conditions
from impasto.painting.memory.reader import MemoryReader
from impasto.painting.request import PaintRequest
from impasto.prompts.weights import pieces_of

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components

_REMEMBERED_TEXTS = 64
_Text = tuple[str, bool]  # and whether it is in the syntax of `impasto.prompts.weights`


class Conditioning:
    """Builds the conditions of a painter's requests. Each text is encoded once, alone, and its states are cached."""

    def __init__(self, components: "Components", looking: MemoryReader, device: torch.device) -> None:
        self._components, self._looking, self._device = components, looking, device
        self._dtype: torch.dtype = components.unet.dtype
        self._states: OrderedDict[_Text, torch.Tensor] = OrderedDict()

    def conditions(self, batch: Sequence[PaintRequest], towards: bool, away: bool) -> Conditions:
        """Returns both sides of guidance for a batch, or only the one that is needed."""
        texts = [_either(request.weighted_negative, request.negative) for request in batch]
        negatives = self._text_states(texts) if away else None
        if not towards and negatives is not None:
            return Conditions(negatives)
        # With memory tokens, the condition has more tokens than the negative prompt.
        return Conditions(self._conditional_states(batch), negatives)

    def _text_states(self, texts: Sequence[_Text]) -> torch.Tensor:
        """Returns token states [n, max_tokens, width], or more tokens if the prompts contain BREAK, all as often."""
        for text in dict.fromkeys(texts):
            if text in self._states:
                self._states.move_to_end(text)
            else:
                self._states[text] = self._encoded(*text).to(self._device, self._dtype)
        states = torch.cat([self._states[text] for text in texts])
        while len(self._states) > _REMEMBERED_TEXTS:
            self._states.popitem(last=False)
        return states

    def _encoded(self, text: str, weighted: bool) -> torch.Tensor:
        """Returns the token states [1, tokens, width] of one text."""
        return self._components.encode_weighted(pieces_of(text)) if weighted else self._components.encode_text([text])

    def _conditional_states(self, batch: Sequence[PaintRequest]) -> torch.Tensor:
        """Returns the texts' states followed by each picture's memory tokens: [n, max_tokens + k, width]."""
        states = self._text_states([_either(request.weighted_prompt, request.condition.text()) for request in batch])
        tokens = [self._looking.look(request).tokens for request in batch]
        if not len(tokens[0]):
            return states
        return torch.cat([states, torch.stack(tokens).to(self._device, self._dtype)], dim=1)


def _either(weighted: str, plain: str) -> _Text:
    return (weighted, True) if weighted else (plain, False)

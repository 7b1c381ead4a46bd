"""The training task of a prompt model: a language model learns to continue prompts as people write them.

See section 3.3 of wang2023.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from impasto.errors import ImpastoError
from impasto.language.causal_lm import CausalLM, mean_loss, padded
from impasto.training.loop.steps import ShuffledOrder


@dataclass(frozen=True)
class PromptModelChoices:
    """The options: a LoRA (Hu et al. 2021) on every linear layer but the last; `rank` 0 trains all weights instead.

    Rank 16 is 4.9 million weights, beside SmolLM2's 135 million: 9.8 MB in fp16.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    learning_rate: float = 8e-4
    whole_learning_rate: float = 5e-5
    batch: int = 16
    most_tokens: int = 80


class Trained(nn.Module):
    """Holds only the trained weights of a model: those that a state of the run contains."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.weights = nn.ParameterList([weight for weight in model.parameters() if weight.requires_grad])


class PromptModelTask:
    """Trains the next tokens of prompts, each prompt followed by the token that ends a text."""

    averaged: Sequence[str] = ("trained",)
    _GROUP = 8  # number of batches that are sorted by length together, so that little of a batch is padding

    def __init__(self, lm: CausalLM, model: Any, prompts: Sequence[str], choices: PromptModelChoices, *, seed: int) -> None:
        """Sets up the task. `model` is that of `lm`, or the same with LoRA layers.

        Raises:
            ImpastoError: no prompt has a word.
        """
        self.model, self.choices, self.end = model.train(), choices, lm.end
        self.rows = [row for prompt in prompts if (row := [*lm.tokens(prompt, choices.most_tokens - 1), lm.end])[1:]]
        if not self.rows:
            raise ImpastoError("nothing to train on: no prompt is left")
        self.order = ShuffledOrder(len(self.rows), choices.batch, seed)
        trained = Trained(model)
        self.models: dict[str, nn.Module] = {"trained": trained}
        rate = choices.learning_rate if choices.rank else choices.whole_learning_rate
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "trained": torch.optim.AdamW(trained.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=0.01)
        }

    def _batch(self, step: int) -> list[list[int]]:
        group, place = divmod(step, self._GROUP)
        numbers = self.order.at(group, batch=self._GROUP * self.choices.batch)
        rows = sorted((self.rows[number] for number in numbers), key=len)
        # Not from short to long, so that a step's loss does not depend on how far the run is.
        place = (place * 5 + group) % self._GROUP
        return rows[place * self.choices.batch : (place + 1) * self.choices.batch]

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Runs one step on one batch."""
        del progress
        loss = mean_loss(self.model, *padded(self._batch(step), self.end))
        optimizer = self.optimizers["trained"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.models["trained"].parameters(), 1.0)
        optimizer.step()
        return {"loss": loss.item()}

"""The training task of the pocket captioner (ClipCap): it predicts a caption after a picture prefix and a prompt of tags."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from impasto.data.annotations.tag_vocabulary import Tag
from impasto.errors import ImpastoError
from impasto.training.examples.caption_texts import draw_caption, draw_tags
from impasto.training.loop.steps import ShuffledOrder, seed_step
from impasto.training.methods.prompt_model import Trained
from impasto.vision.captioners.pocket import CaptionerConfig, PrefixNetwork, prompt_for


@dataclass(frozen=True)
class CaptionerChoices:
    """The options of the captioner's training.

    Mokady et al. 2021 train a prefix of 10 for a GPT-2; SmolLM2's vectors are narrower and the pictures fewer.
    """

    config: CaptionerConfig = field(default_factory=CaptionerConfig)
    batch: int = 16
    learning_rate: float = 1e-3
    lora_learning_rate: float = 5e-4
    without_tags: float = 0.2


@dataclass(frozen=True)
class Captioned:
    """The source of a picture's training captions: its title, its genre, and P(tag) of each tag, float32 [tags]."""

    title: str
    genre: str
    labels: np.ndarray


class CaptionerTask:
    """Trains the prefix network and the LoRA of a language model."""

    averaged: Sequence[str] = ("prefix", "lora")

    def __init__(
        self,
        features: np.ndarray,
        pictures: Sequence[Captioned],
        tags: Sequence[Tag],
        language_model: tuple[Any, Any],
        tuned: Any,
        choices: CaptionerChoices,
        *,
        seed: int,
    ) -> None:
        """Sets up the task.

        `features` [n, 1280] are those of the pictures; `tuned` is the language model with LoRA layers (`with_lora`).

        Raises:
            ImpastoError: there is no picture.
        """
        if not len(pictures):
            raise ImpastoError("nothing to train on: no picture has a title or a genre")
        torch.manual_seed(seed)
        self.features, self.pictures, self.tags, self.choices = torch.from_numpy(features), pictures, tags, choices
        self.tuned, self.tokenizer, self.seed = tuned.train(), language_model[1], seed
        self.kinds = {tag.name: tag for tag in tags}
        self.width = int(tuned.config.hidden_size)
        self.prefix = PrefixNetwork(choices.config, self.width)
        with torch.no_grad():
            self.prefix.mean.copy_(self.features.mean(dim=0))
            self.prefix.deviation.copy_(self.features.std(dim=0) + 1e-4)
            # Word embeddings have this norm; a prefix with ten times the norm would drown them.
            embedding = tuned.get_input_embeddings().weight
            self.prefix.norm.weight.fill_(float(embedding.std()))
        self.lora = Trained(tuned)
        self.models: dict[str, nn.Module] = {"prefix": self.prefix, "lora": self.lora}
        rates = {"prefix": choices.learning_rate, "lora": choices.lora_learning_rate}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.AdamW(model.parameters(), lr=rates[name], betas=(0.9, 0.99), weight_decay=0.01)
            for name, model in self.models.items()
        }
        self.order = ShuffledOrder(len(pictures), min(choices.batch, len(pictures)), seed)

    def text(self, place: int, draw: random.Random) -> tuple[str, str]:
        """Draws (prompt, caption) of a picture for one step; the caption is "" if no visible content is known."""
        picture = self.pictures[place]
        drawn = draw_tags(picture.labels, self.tags, draw, most=self.choices.config.told)
        caption = draw_caption(picture.title, picture.genre, drawn, self.kinds, draw)
        told = [] if draw.random() < self.choices.without_tags else [tag.name for tag in drawn]
        return prompt_for(told), caption

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Runs one step on one batch."""
        del progress
        draw = seed_step(self.seed, step)
        rows = [(place, *self.text(place, draw)) for place in self.order.at(step).tolist()]
        loss = self.loss([row for row in rows if row[2]])
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for model in self.models.values() for p in model.parameters()], 1.0)
        for optimizer in self.optimizers.values():
            optimizer.step()
        return {"loss": loss.item()}

    def loss(self, rows: Sequence[tuple[int, str, str]]) -> torch.Tensor:
        """Returns the mean negative log-likelihood of a caption token over rows (place, prompt, caption)."""
        if not rows:
            return sum((p.sum() for p in self.lora.parameters()), torch.zeros(())) * 0
        end, head = int(self.tokenizer.eos_token_id), self.choices.config.prefix
        prompts = [self.tokenizer(prompt, add_special_tokens=False)["input_ids"] for _, prompt, _ in rows]
        captions = [[*self.tokenizer(f" {text}", add_special_tokens=False)["input_ids"], end] for *_, text in rows]
        longest = max(len(p) + len(c) for p, c in zip(prompts, captions, strict=True))
        ids = torch.full((len(rows), longest), end)
        targets = torch.full((len(rows), head + longest), -100)
        mask = torch.zeros(len(rows), head + longest, dtype=torch.long)
        for row, (prompt, caption) in enumerate(zip(prompts, captions, strict=True)):
            start, stop = len(prompt), len(prompt) + len(caption)
            ids[row, :stop] = torch.tensor([*prompt, *caption])
            targets[row, head + start : head + stop] = torch.tensor(caption)
            mask[row, : head + stop] = 1
        words = self.tuned.get_input_embeddings()(ids)
        vectors = torch.cat([self.prefix(self.features[[place for place, *_ in rows]]), words], dim=1)
        logits = self.tuned(inputs_embeds=vectors, attention_mask=mask).logits
        return nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten())

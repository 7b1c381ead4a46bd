"""Textual inversion (Gal et al. 2022): a new word is learned, and nothing else: rows of the text encoder's embeddings."""

from typing import Any

import torch
from torch import nn

from impasto.adapters.textual_inversion import Concept, add_concept, is_known_token
from impasto.checkpoints.components import Components
from impasto.errors import UsageError
from impasto.training.methods.fine_tuning import FineTuningTask
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.methods.learned_words import check_name

# Texts that say as little as can be about a picture, so that the word must say the rest (as in the paper's appendix).
TEMPLATES = {
    "object": (
        "a painting of {}", "a picture of {}", "a small painting of {}", "an oil painting of {}", "a study of {}",
        "a painting of {} in soft light", "a close view of {}", "{} on canvas",
    ),
    "style": (
        "a painting in the style of {}", "a picture in the style of {}", "a landscape in the style of {}",
        "an oil painting in the style of {}", "a study in the style of {}", "a scene in the manner of {}",
        "a work in the manner of {}", "brushwork like {}",
    ),
}  # fmt: skip
# Vectors that grow longer than any word's outweigh the rest of a prompt.
_BOUND_QUANTILE = 0.99


class LearnedRows(nn.Module):
    """An embedding table of which some rows are parameters of their own: the others cannot change.

    Attributes:
        rows: those rows, float32 [n, width].
        bound: the norm that they are kept below: that of the longest of 99 in 100 of the table's other rows.
    """

    def __init__(self, table: nn.Embedding, places: list[int]) -> None:
        """`places`: the rows' numbers in the table."""
        super().__init__()
        self.table = table
        self.rows = nn.Parameter(table.weight.detach()[places].clone())
        place_of = torch.full((table.num_embeddings,), -1, dtype=torch.long)
        place_of[places] = torch.arange(len(places))
        self.register_buffer("place_of", place_of.to(table.weight.device), persistent=False)
        norms = table.weight.detach()[place_of < 0].norm(dim=1).sort().values
        self.bound = norms[int(_BOUND_QUANTILE * (len(norms) - 1))].item()

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Vectors [n, length, width] of token numbers [n, length]."""
        place = self.place_of[tokens]  # pyright: ignore[reportIndexIssue]
        return torch.where(place[..., None] >= 0, self.rows[place.clamp(min=0)], self.table(tokens))

    @torch.no_grad()
    def keep_bound(self) -> float:
        """Shortens rows that are too long; returns the largest norm."""
        norms = self.rows.norm(dim=1, keepdim=True)
        self.rows.mul_((self.bound / norms).clamp(max=1.0))
        return min(norms.max().item(), self.bound)


class TextualInversionTask(FineTuningTask):
    """The retraining's task (equation 2) in which only a concept's rows are trained, and kept below a norm."""

    def __init__(self, components: Components, *arguments: Any, **named: Any) -> None:
        """`components`: of `begin_concept`. The other arguments are `FineTuningTask`'s."""
        encoder: Any = components.text_encoder
        self.learned: LearnedRows = encoder.get_input_embeddings()

        def choose(components: Components, choices: FineTuning) -> None:
            del choices
            for module in (components.unet, components.text_encoder):
                module.requires_grad_(False)
            self.learned.rows.requires_grad_(True)

        super().__init__(components, *arguments, **named, choose=choose)

    def step(self, step: int, progress: float) -> dict[str, float]:
        """As `FineTuningTask`'s; `norm` is the longest row's."""
        return {**super().step(step, progress), "norm": self.learned.keep_bound()}


def begin_concept(
    components: Components, name: str, initial_word: str, vectors: int
) -> tuple[Components, list[str]]:
    """`components` with a concept whose vectors are the mean of the initial word's, ready to be learned; and the tokens of
    that word.

    Raises:
        UsageError: the name is a word already, the initial word is not one, or too many vectors are asked for.
    """
    check_name(name)
    tokenizer: Any = components.tokenizer
    if is_known_token(tokenizer, name):
        raise UsageError(f"--concept {name} is a word that the text encoder knows already: choose another, such as <{name}>")
    most = components.max_tokens // 2  # the templates need room too
    if not 1 <= vectors <= most:
        raise UsageError(f"vectors {vectors}: use 1 to {most}")
    numbers = tokenizer(initial_word, add_special_tokens=False).input_ids
    unknown = getattr(tokenizer, "unk_token_id", None)
    if not numbers or unknown in numbers:
        raise UsageError(f"--initial-word {initial_word!r} is no word that the text encoder knows: choose another")
    encoder: Any = components.text_encoder
    start = encoder.get_input_embeddings().weight.detach()[numbers].float().mean(dim=0)
    begun = add_concept(components, Concept(name, start.repeat(vectors, 1)))
    encoder = begun.text_encoder
    places = begun.tokenizer.convert_tokens_to_ids(list(begun.concepts[-1].tokens))
    encoder.set_input_embeddings(LearnedRows(encoder.get_input_embeddings(), places))
    return begun, tokenizer.convert_ids_to_tokens(numbers)


def concept_texts(components: Components, kind: str) -> list[str]:
    """The templates of `kind` with the newest concept in them."""
    return [template.format(components.concepts[-1].name) for template in TEMPLATES[kind]]


def learned_concept(components: Components) -> Concept:
    """What was learned."""
    encoder: Any = components.text_encoder
    return Concept(components.concepts[-1].name, encoder.get_input_embeddings().rows.detach().cpu().clone())

"""Textual inversion (Gal et al. 2022): trains only the embedding of a new word, as rows of the text encoder's table."""

from typing import Any

import torch
from torch import nn

from impasto.adapters.textual_inversion import Concept, add_concept, is_known_token
from impasto.checkpoints.components import Components
from impasto.errors import UsageError
from impasto.training.methods.fine_tuning import FineTuningTask
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.methods.learned_words import check_name

# Texts that describe as little of a picture as possible, so that the new word must describe the rest (as in the paper's
# appendix).
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
# Vectors longer than those of any word would outweigh the rest of a prompt.
_BOUND_QUANTILE = 0.99


class LearnedRows(nn.Module):
    """An embedding table in which only some rows are trained, as parameters of their own.

    Attributes:
        rows: the trained rows, float32 [n, width].
        bound: the maximum norm of these rows: the norm of the longest of 99 in 100 of the table's other rows.
    """

    def __init__(self, table: nn.Embedding, places: list[int]) -> None:
        """Wraps `table`. `places` are the numbers of the trained rows in it."""
        super().__init__()
        self.table = table
        self.rows = nn.Parameter(table.weight.detach()[places].clone())
        place_of = torch.full((table.num_embeddings,), -1, dtype=torch.long)
        place_of[places] = torch.arange(len(places))
        self.register_buffer("place_of", place_of.to(table.weight.device), persistent=False)
        norms = table.weight.detach()[place_of < 0].norm(dim=1).sort().values
        self.bound = norms[int(_BOUND_QUANTILE * (len(norms) - 1))].item()

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Returns the vectors [n, length, width] of token numbers [n, length]."""
        place = self.place_of[tokens]  # pyright: ignore[reportIndexIssue]
        return torch.where(place[..., None] >= 0, self.rows[place.clamp(min=0)], self.table(tokens))

    @torch.no_grad()
    def keep_bound(self) -> float:
        """Scales rows above the bound down to it; returns the largest norm."""
        norms = self.rows.norm(dim=1, keepdim=True)
        self.rows.mul_((self.bound / norms).clamp(max=1.0))
        return min(norms.max().item(), self.bound)


class TextualInversionTask(FineTuningTask):
    """The fine-tuning task (equation 2) in which only a concept's rows are trained, and kept below a norm."""

    def __init__(self, components: Components, *arguments: Any, **named: Any) -> None:
        """Takes the `components` of `begin_concept`; the other arguments are those of `FineTuningTask`."""
        encoder: Any = components.text_encoder
        self.learned: LearnedRows = encoder.get_input_embeddings()

        def choose(components: Components, choices: FineTuning) -> None:
            del choices
            for module in (components.unet, components.text_encoder):
                module.requires_grad_(False)
            self.learned.rows.requires_grad_(True)

        super().__init__(components, *arguments, **named, choose=choose)

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Runs the step of `FineTuningTask`; adds `norm`, the norm of the longest row."""
        return {**super().step(step, progress), "norm": self.learned.keep_bound()}


def begin_concept(
    components: Components, name: str, initial_word: str, vectors: int
) -> tuple[Components, list[str]]:
    """Returns `components` with a new concept, ready to be trained, and the tokens of the initial word.

    The concept's vectors begin as the mean of the initial word's vectors.

    Raises:
        UsageError: the name is a known word already, the initial word is not one, or `vectors` is out of range.
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
    """Returns the templates of `kind` with the newest concept in them."""
    return [template.format(components.concepts[-1].name) for template in TEMPLATES[kind]]


def learned_concept(components: Components) -> Concept:
    """Returns the trained concept."""
    encoder: Any = components.text_encoder
    return Concept(components.concepts[-1].name, encoder.get_input_embeddings().rows.detach().cpu().clone())

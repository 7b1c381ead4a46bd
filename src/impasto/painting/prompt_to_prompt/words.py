"""The words of a text and the tokens that they are read as; how the tokens of two texts correspond (Hertz et al. 2022)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from impasto.errors import UsageError
from impasto.painting.prompt_to_prompt.record import check_weight

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components


@dataclass(frozen=True)
class TokenText:
    """A text as the text encoder reads it.

    Attributes:
        text: as it is.
        numbers: of its tokens, with those of beginning, end and padding: one for each of the encoder's places.
        places: where each token lies in the text, (first character, last + 1); (0, 0) for those that are no part of it.
    """

    text: str
    numbers: tuple[int, ...]
    places: tuple[tuple[int, int], ...]

    @classmethod
    def read(cls, components: "Components", text: str) -> "TokenText":
        """Reads a text with the checkpoint's tokenizer, as `Components.encode_text` does.

        Raises:
            UsageError: the checkpoint's tokenizer does not say where its tokens lie.
        """
        spelled = components.spelled(text)
        try:
            read = components.tokenizer(
                spelled, padding="max_length", max_length=components.max_tokens, truncation=True,
                return_offsets_mapping=True,
            )  # fmt: skip
        except NotImplementedError:
            raise UsageError("this checkpoint's tokenizer does not say which tokens a word is read as") from None
        places = tuple((int(a), int(b)) for a, b in read["offset_mapping"])
        return cls(spelled, tuple(int(n) for n in read["input_ids"]), places)

    @property
    def own(self) -> int:
        """The number of tokens up to the last that is part of the text."""
        return max((n + 1 for n, (a, b) in enumerate(self.places) if b > a), default=0)

    def tokens_between(self, first: int, end: int) -> list[int]:
        """Returns the tokens of the characters from `first` to before `end`."""
        return [n for n, (a, b) in enumerate(self.places) if b > a and a < end and b > first]

    def tokens_of(self, words: str) -> list[int]:
        """Returns the tokens of the first occurrence of `words` in the text, whatever its letters' case.

        Raises:
            UsageError: the text lacks these words, or they lie behind the encoder's last token.
        """
        found = re.search(rf"(?<!\w){re.escape(words.strip())}(?!\w)", self.text, re.IGNORECASE)
        if found is None or not words.strip():
            raise UsageError(f"the prompt {self.text!r} lacks {words.strip()!r}: name words that it holds")
        tokens = self.tokens_between(*found.span())
        if not tokens:
            raise UsageError(f"{words.strip()!r} lies behind the {len(self.numbers)} tokens that the text encoder reads")
        return tokens

    @property
    def words(self) -> list[str]:
        """The words that the encoder reads, in order."""
        end = max((b for _, b in self.places), default=0)
        return [found[0] for found in re.finditer(r"[^\W_]+(?:['’-][^\W_]+)*", self.text[:end])]


@dataclass(frozen=True)
class Correspondence:
    """Which tokens of a source text the tokens of an edited text take their attention from.

    Attributes:
        mapper: float32 [source tokens, edited tokens]; column j says from which tokens token j's map is taken.
        known: float32 [edited tokens]; 1 where it is taken from the source, 0 where the token is new.
    """

    mapper: torch.Tensor
    known: torch.Tensor

    def with_more(self, tokens: int) -> "Correspondence":
        """Returns the correspondence with as many more tokens after either text, such as a memory's, each to itself."""
        if not tokens:
            return self
        source, edited = self.mapper.shape
        mapper = torch.zeros(source + tokens, edited + tokens)
        mapper[:source, :edited] = self.mapper
        mapper[source:, edited:] = torch.eye(tokens)
        return Correspondence(mapper, torch.cat([self.known, torch.ones(tokens)]))


def correspond(source: TokenText, edited: TokenText, swaps: Sequence[tuple[str, str]] = ()) -> Correspondence:
    """Returns how the tokens correspond: equal ones by the longest common subsequence (as Needleman and Wunsch align them
    with gap 0 and match 1), swapped words to the words that they replace, padding place by place.

    Args:
        swaps: pairs of words of the source and of the edited text.

    Raises:
        UsageError: a text lacks a word.
    """
    count = len(source.numbers)
    mapper = torch.zeros(count, len(edited.numbers))
    for here, there in _common(source.numbers[: source.own], edited.numbers[: edited.own]):
        mapper[here, there] = 1
    for here in range(edited.own, len(edited.numbers)):  # the end of the text, and padding
        place = min(source.own + here - edited.own, count - 1)
        mapper[place, here] = 1
    for old, new in swaps:
        taken, given = source.tokens_of(old), edited.tokens_of(new)
        for token in given:
            mapper[:, token] = 0
            # As Hertz et al.'s program: a word of more tokens shares the attention of the word that it replaces.
            mapper[taken, token] = 1 / len(given)
    return Correspondence(mapper, (mapper.sum(dim=0) > 0).float())


def equalizer(edited: TokenText, weights: Sequence[tuple[str, float]]) -> torch.Tensor:
    """Returns what each token's attention is multiplied with, float32 [tokens]: re-weighting.

    Raises:
        UsageError: the text lacks a word; a weight is not between -2 and 10.
    """
    found = torch.ones(len(edited.numbers))
    for words, weight in weights:
        check_weight(words, weight)
        found[edited.tokens_of(words)] = weight
    return found


def _common(first: Sequence[int], second: Sequence[int]) -> list[tuple[int, int]]:
    """Returns the places of a longest common subsequence of two sequences."""
    lengths = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            lengths[i + 1][j + 1] = lengths[i][j] + 1 if a == b else max(lengths[i][j + 1], lengths[i + 1][j])
    pairs: list[tuple[int, int]] = []
    i, j = len(first), len(second)
    while i and j:
        if first[i - 1] == second[j - 1]:
            pairs.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif lengths[i - 1][j] >= lengths[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]

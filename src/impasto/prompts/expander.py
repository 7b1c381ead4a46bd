"""The expander as users have it: the parts that are on this machine, put together and kept for the next prompt."""

from impasto.errors import UsageError
from impasto.prompts.expansion import MOST_TOKENS, Expansion, Search, expand_wu2022
from impasto.prompts.proposers import Proposer
from impasto.prompts.proposers.knowledge import KnowledgeProposer, handbook_index
from impasto.prompts.sentence_vectors import count_tokens, sentence_vectors
from impasto.prompts.term_table import shipped_table

METHODS = ("wu2022",)


def offline_writers() -> list[Proposer]:
    """The language models on this machine.

    Raises:
        MissingPart: llama.cpp or the small model is not installed.
    """
    from impasto.prompts.proposers.small_model import ContinuationProposer, DialogueProposer, small_model

    return [ContinuationProposer(small_model()), DialogueProposer(small_model())]


def check_method(method: str) -> str:
    """The method's name. Raises UsageError where there is none of that name."""
    if method not in METHODS:
        raise UsageError(f"there is no expansion {method!r}: use {' or '.join(METHODS)}")
    return method


def expand(
    prompt: str,
    method: str = "wu2022",
    *,
    count: int = 5,
    seed: int = 0,
    any_style: bool = False,
    most_tokens: int = MOST_TOKENS,
    search: Search | None = None,
) -> list[Expansion]:
    """Richer prompts for `prompt`, best first, each beginning with the user's words.

    Args:
        method: wu2022 (knowledge and language models, ranked by equation 20; see `expand_wu2022`).
        count: at most so many.
        seed: of what language models write; the same seed gives the same expansions.
        any_style: also ones that name a style or a painter that the prompt does not.
        most_tokens: what the text encoder reads; parts that do not fit are left out and told in `left_out`.
        search: takes note of what was dropped, and why.

    Raises:
        UsageError: the prompt is empty or far too long, or there is no such method.
        MissingPart: a part that expansion needs is not installed.
    """
    check_method(method)
    return expand_wu2022(
        prompt,
        writers=offline_writers(),
        knowledge=KnowledgeProposer(handbook_index()),
        embed=sentence_vectors,
        table=shipped_table(),
        count_tokens=count_tokens,
        count=count,
        seed=seed,
        any_style=any_style,
        most_tokens=most_tokens,
        search=search,
    )

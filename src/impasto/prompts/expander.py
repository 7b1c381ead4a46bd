"""The expander as users have it: the parts that are on this machine, put together and kept for the next prompt."""

from impasto.prompts.expansion import Expansion, Search, expand_wu2022
from impasto.prompts.proposers import Proposer
from impasto.prompts.proposers.knowledge import KnowledgeProposer, handbook_index
from impasto.prompts.sentence_vectors import count_tokens, sentence_vectors
from impasto.prompts.term_table import shipped_table


def offline_writers() -> list[Proposer]:
    """The language models on this machine.

    Raises:
        MissingPart: llama.cpp or the small model is not installed.
    """
    from impasto.prompts.proposers.small_model import ContinuationProposer, DialogueProposer, small_model

    return [ContinuationProposer(small_model()), DialogueProposer(small_model())]


def expand_prompt(
    prompt: str,
    *,
    count: int = 5,
    seed: int = 0,
    any_style: bool = False,
    search: Search | None = None,
) -> list[Expansion]:
    """Richer prompts for `prompt`, best first; see `expand_wu2022`.

    Raises:
        UsageError: the prompt is empty or far too long.
        MissingPart: a part that expansion needs is not installed.
    """
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
        search=search,
    )

"""Prompt expansion with the models and indexes that are installed; they are loaded once and reused."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from impasto.errors import UsageError
from impasto.prompts.condition import Condition
from impasto.prompts.expansion.pipeline import MOST_TOKENS, Expansion, Measures, Search, expand_wang2023, expand_wu2022
from impasto.prompts.expansion.proposers import Proposer
from impasto.prompts.expansion.proposers.knowledge import KnowledgeProposer, Searchable, handbook_index
from impasto.prompts.expansion.sentence_vectors import count_tokens, sentence_vectors
from impasto.prompts.expansion.term_table import shipped_table

METHODS = ("wu2022", "wang2023")


def offline_writers() -> list[Proposer]:
    """Returns the proposers that use the small language model on this machine.

    Raises:
        MissingPart: llama.cpp or the small model is not installed.
    """
    from impasto.prompts.expansion.proposers.small_model import ContinuationProposer, DialogueProposer, small_model

    return [ContinuationProposer(small_model()), DialogueProposer(small_model())]


def knowledge_indexes(folder: Path | None) -> list[Searchable]:
    """Returns the handbook's index, and the index in a folder if one is given.

    Raises:
        MissingPart: bm25s is not installed. ImpastoError: the folder does not contain a complete index.
    """
    return [handbook_index(), *([_wiki_index(folder)] if folder is not None else [])]


@cache
def _wiki_index(folder: Path) -> Searchable:
    from impasto.prompts.knowledge.wiki_index import WikiIndex

    return WikiIndex(folder)


def prompt_writer(model: Path | None) -> Proposer:
    """Loads the prompt model, a language model that continues prompts: the built-in one, or the one in a folder.

    Raises:
        MissingPart: llama.cpp, the small model, or (for a folder of another kind) peft is not installed.
        ImpastoError: the folder contains no prompt model.
    """
    from impasto.prompts.expansion.proposers.prompt_model import PromptWriter, load_prompt_model

    return PromptWriter(load_prompt_model(model))


def check_method(method: str) -> str:
    """Returns the method's name. Raises UsageError if there is no such method."""
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
    model: Path | None = None,
    index: Path | None = None,
    most_tokens: int = MOST_TOKENS,
    search: Search | None = None,
) -> list[Expansion]:
    """Expands `prompt`: returns richer prompts, best first, each beginning with the user's words.

    Args:
        method: wu2022 (knowledge and language models, ranked by equation 20) or wang2023 (a language model that was
            fine-tuned on prompts continues the prompt).
        index: for wu2022, a folder written by `impasto knowledge build`, searched in addition to the handbook.
        model: for wang2023, a folder written by `impasto train prompt-model`, used instead of the built-in model.
        count: maximum number of expansions.
        seed: seed of the language models; the same seed gives the same expansions.
        any_style: also return expansions that name a style or a painter that the prompt does not.
        most_tokens: token limit of the text encoder; parts that do not fit are left out and listed in `left_out`.
        search: records the dropped candidates and the reasons.

    Raises:
        UsageError: the prompt is empty or far too long, or there is no such method.
        MissingPart: a part that expansion needs is not installed.
    """
    check_method(method)
    measures = Measures(
        sentence_vectors, shipped_table(), count_tokens, most_tokens=most_tokens, any_style=any_style
    )
    if method == "wang2023":
        return expand_wang2023(
            prompt, writer=prompt_writer(model), measures=measures, count=count, seed=seed, search=search
        )
    return expand_wu2022(
        prompt,
        writers=offline_writers(),
        knowledge=KnowledgeProposer(*knowledge_indexes(index)),
        measures=measures,
        count=count,
        seed=seed,
        search=search,
    )


def expand_caption(
    condition: Condition,
    method: str,
    *,
    count: int = 5,
    seed: int = 0,
    model: Path | None = None,
    index: Path | None = None,
) -> list[Expansion]:
    """Expands the condition's caption so that its other parts still fit; returns expansions, best first (see `expand`)."""
    rest = replace(condition, caption="").text()
    room = MOST_TOKENS - (count_tokens(f", {rest}") - 2 if rest else 0)
    return expand(condition.caption, method, count=count, seed=seed, model=model, index=index, most_tokens=room)

"""Prompt expansion with the models and indexes that are installed; they are loaded once and reused."""

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TypedDict, Unpack

from impasto.errors import UsageError
from impasto.prompts.expansion.model_checks import check_models
from impasto.prompts.expansion.models import SMALL_NAME, UsedModel, load_encoder, load_recogniser, needs_no_torch
from impasto.prompts.expansion.pipeline import (
    MOST_TOKENS,
    Expansion,
    Measures,
    Order,
    Search,
    check_request,
    expand_wang2023,
    expand_wu2022,
    first_turn,
)
from impasto.prompts.expansion.proposers import Proposer
from impasto.prompts.expansion.proposers.ahead import Ahead
from impasto.prompts.expansion.proposers.knowledge import KnowledgeProposer, Searchable, handbook_index
from impasto.prompts.expansion.proposers.prompt_model import is_llama_cpp
from impasto.prompts.expansion.scoring import Weights
from impasto.prompts.expansion.sentence_vectors import count_tokens, sentence_vectors
from impasto.prompts.expansion.settings import ExpansionSettings, settings_from
from impasto.prompts.expansion.term_table import TermTable, shipped_table

METHODS = ("wu2022", "wang2023")


class SettingsFields(TypedDict, total=False):
    """The fields of `ExpansionSettings`."""

    tfidf: str
    min_df: float
    terms: str | Path
    lambda1: float
    lambda2: float
    most_entities: int
    candidates: int
    sentences: int
    articles: int
    continuation: str | Path
    dialogue: str | Path
    encoder: str | Path
    ner: str | Path
    prompt_model: str | Path


def offline_writers(settings: ExpansionSettings | None = None, models: list[UsedModel] | None = None) -> list[Proposer]:
    """Returns the proposers that use language models: T5 and DialoGPT if they are on this machine, else the small one.

    Args:
        settings: which model continues the prompt, and which one answers it.
        models: the models that are used are appended to it.

    Raises:
        UsageError: a named model does not exist.
        MissingPart: a model or its package is not on this machine.
    """
    from impasto.prompts.expansion.models import load_writer
    from impasto.prompts.expansion.proposers.small_model import ContinuationProposer, DialogueProposer

    settings = settings or ExpansionSettings()
    writers: list[Proposer] = []
    for role, name, kind in (
        ("continuation", settings.continuation, ContinuationProposer),
        ("dialogue", settings.dialogue, DialogueProposer),
    ):
        loaded = load_writer(role, name)
        if loaded is not None:
            writers.append(kind(loaded[0], loaded[1].name))
            if models is not None:
                models.append(loaded[1])
    return writers


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


def prompt_writer(model: str | Path | None, models: list[UsedModel] | None = None) -> Proposer:
    """Loads the prompt model, a language model that continues prompts: the built-in one, or the one that `model` names.

    Args:
        model: a folder, a hub name, a short name such as "gpt2", or None.
        models: the model that is used is appended to it.

    Raises:
        UsageError: there is no such model.
        MissingPart: llama.cpp, the small model, or (for a folder of another kind) peft is not installed.
        ImpastoError: the folder contains no prompt model.
    """
    from impasto.prompts.expansion.proposers.prompt_model import PromptWriter, load_prompt_model, prompt_model_name

    writer = PromptWriter(load_prompt_model(model), prompt_model_name(model))
    if models is not None:
        models.append(UsedModel("prompt model", prompt_model_name(model) or f"{SMALL_NAME} with the built-in LoRA"))
    return writer


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
    model: str | Path | None = None,
    index: Path | None = None,
    most_tokens: int = MOST_TOKENS,
    search: Search | None = None,
    settings: ExpansionSettings | str | Path | None = None,
    **changes: Unpack[SettingsFields],
) -> list[Expansion]:
    """Expands `prompt`: returns richer prompts, best first, each beginning with the user's words.

    Args:
        method: wu2022 (knowledge and language models, ranked by equation 20) or wang2023 (a language model that was
            fine-tuned on prompts continues the prompt).
        index: for wu2022, a folder written by `impasto knowledge build`, searched in addition to the handbook.
        model: for wang2023, a folder written by `impasto train prompt-model`, or a model by name such as "gpt2", used
            instead of the built-in model.
        count: maximum number of expansions.
        seed: seed of the language models; the same seed gives the same expansions.
        any_style: also return expansions that name a style or a painter that the prompt does not.
        most_tokens: token limit of the text encoder; parts that do not fit are left out and listed in `left_out`.
        search: records the dropped candidates with the reasons, and which model did what.
        settings: the models by role and the parameters of the score, or a .toml or .json file of them; see
            `ExpansionSettings`.
        changes: single settings, such as `continuation="t5-base"` or `lambda1=0.5`; they override `settings`.

    Raises:
        UsageError: the prompt is empty or far too long, a setting is invalid, or there is no such method or model.
        MissingPart: a part that expansion needs is not installed.
    """
    check_method(method)
    prompt = check_request(prompt, count)
    if not isinstance(settings, ExpansionSettings):
        settings = settings_from(None if settings is None else Path(settings))
    chosen = settings.with_changes(**changes)
    search = search if search is not None else Search()
    check_models(chosen, method, model)
    models: list[UsedModel] = []  # those that write
    if method == "wang2023":
        named = model if model is not None else chosen.prompt_model
        order, early = first_turn(count, seed), is_llama_cpp(named)

        def load() -> Sequence[Proposer]:
            return [prompt_writer(named, models)]
    else:
        order = Order(chosen.candidates, seed)
        early = all(needs_no_torch(role, getattr(chosen, role)) for role in ("continuation", "dialogue"))

        def load() -> Sequence[Proposer]:
            return offline_writers(chosen, models)

    # llama.cpp writes while the other models are loaded here.
    ahead = Ahead(load, prompt, count=order.count, seed=order.seed) if early else None
    measures, used = _measures(chosen, most_tokens, any_style)
    writers = [ahead] if ahead is not None else load()
    if method == "wang2023":
        found = expand_wang2023(prompt, writer=writers[0], measures=measures, count=count, seed=seed, search=search)
    else:
        index = index if index is not None else Path(chosen.index) if chosen.index else None
        found = expand_wu2022(
            prompt,
            writers=writers,
            knowledge=KnowledgeProposer(*knowledge_indexes(index), articles=chosen.articles),
            measures=measures,
            count=count,
            seed=seed,
            search=search,
            texts=chosen.candidates,
            sentences=chosen.sentences,
        )
    search.models += [*models, *used]
    return found


def _measures(settings: ExpansionSettings, most_tokens: int, any_style: bool) -> tuple[Measures, list[UsedModel]]:
    """Loads what scores candidates; returns it, and which models it is."""
    table = shipped_table() if not settings.terms else _table(Path(settings.terms).expanduser())
    embed, encoder = load_encoder(settings.encoder)
    recogniser, ner = load_recogniser(settings.ner)
    weights = Weights(settings.lambda1, settings.lambda2, settings.most_entities, settings.tfidf, settings.min_df)
    measures = Measures(
        embed, table, count_tokens, weights, most_tokens, any_style, subject=sentence_vectors, recogniser=recogniser
    )
    counted = f"{len(table.frequencies)} words of {table.documents} texts"
    terms = f"built-in, {counted}" if not settings.terms else f"{Path(settings.terms).name}, {counted}"
    return measures, [encoder, ner, UsedModel("terms", f"{terms}, tfidf {settings.tfidf}")]


@lru_cache(maxsize=4)
def _table(file: Path) -> TermTable:
    if not file.is_file():
        raise UsageError(f"--terms {file}: there is no such file; `impasto knowledge terms` writes one")
    return TermTable.read(file)

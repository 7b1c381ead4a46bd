"""Richer prompts for a prompt: proposed, weeded, scored by equation 20 of wu2022, brought into the token budget."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from impasto.errors import UsageError
from impasto.prompts.fitness import near_duplicates, why_unfit
from impasto.prompts.proposers import Candidate, Proposer
from impasto.prompts.proposers.knowledge import KnowledgeProposer
from impasto.prompts.scoring import Embed, Score, Weights, score
from impasto.prompts.term_table import TermTable

MOST_TOKENS = 77
# Below this a candidate speaks of something else.
LEAST_LIKENESS = 0.2
_LONGEST_PROMPT = 2000  # characters
_CLAUSE = re.compile(r"(?<=[,;])\s+|\s+(?=and |with |while |under |beneath |above |beside |between )")


@dataclass(frozen=True)
class Expansion:
    """A richer prompt, what it is worth and why.

    `text` begins with the user's words; `added` is what follows them. `components` are the weighted terms of `score`.
    `spans` are the places and times in `text` (start, end, kind). For `left_out` the token budget had no room.
    """

    text: str
    score: float
    components: dict[str, float]
    source: str
    added: str
    spans: tuple[tuple[int, int, str], ...] = ()
    left_out: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """All JSON types."""
        return {
            "text": self.text,
            "score": round(self.score, 6),
            "components": {name: round(value, 6) for name, value in self.components.items()},
            "source": self.source,
            "spans": [list(span) for span in self.spans],
            "left_out": list(self.left_out),
        }


@dataclass
class Search:
    """What was considered on the way: every dropped candidate with its reason."""

    dropped: list[tuple[Candidate, str]] = field(default_factory=list)


def check_prompt(prompt: str) -> str:
    """The prompt in one line. Raises UsageError where there is nothing to expand."""
    text = " ".join(prompt.split())
    if not re.search(r"[^\W_]", text):
        raise UsageError("the prompt holds no word to expand")
    if any(ord(letter) < 32 and not letter.isspace() for letter in prompt):
        raise UsageError("the prompt holds control characters")
    if len(text) > _LONGEST_PROMPT:
        raise UsageError(f"the prompt has {len(text)} characters: an expansion has room for {_LONGEST_PROMPT} at most")
    return text


def expand_wu2022(
    prompt: str,
    *,
    writers: Sequence[Proposer],
    knowledge: KnowledgeProposer,
    embed: Embed,
    table: TermTable,
    count_tokens: Callable[[str], int],
    count: int = 5,
    seed: int = 0,
    weights: Weights | None = None,
    any_style: bool = False,
    most_tokens: int = MOST_TOKENS,
    search: Search | None = None,
) -> list[Expansion]:
    """Section 3 of wu2022: the `count` best of what language models write and of the knowledge that this leads to.

    The writers are asked first; knowledge is then looked up for the prompt and for everything they wrote. What is unfit, off
    the subject or said already is dropped, the rest ranked by w(v).

    Raises:
        UsageError: the prompt is empty or far too long.
        MissingPart: a package or a model is not installed.
    """
    prompt = check_prompt(prompt)
    if count < 1:
        raise UsageError(f"count {count}: use 1 or more")
    search = search if search is not None else Search()
    written = [candidate for writer in writers for candidate in writer.propose(prompt, count=4, seed=seed)]
    known = knowledge.propose(prompt, count=80, seed=seed, queries=[candidate.text for candidate in written])
    fit = []
    for candidate in (*written, *known):
        reason = why_unfit(candidate.text, prompt, any_style=any_style)
        if reason is None:
            fit.append(candidate)
        else:
            search.dropped.append((candidate, reason))
    scores = score(prompt, [candidate.text for candidate in fit], embed, table, weights)
    ranked = sorted(zip(fit, scores, strict=True), key=lambda pair: -pair[1].total)
    twins = near_duplicates([candidate.text for candidate, _ in ranked])
    expansions: list[Expansion] = []
    for place, (candidate, worth) in enumerate(ranked):
        if worth.likeness < LEAST_LIKENESS:
            search.dropped.append((candidate, f"off the subject (cosine {worth.likeness:.2f})"))
        elif twins[place] != place:
            search.dropped.append((candidate, "says nearly the same as a better one"))
        elif len(expansions) < count:
            expansions.append(_join(prompt, candidate, worth, table, count_tokens, most_tokens))
    return expansions


def _join(
    prompt: str,
    candidate: Candidate,
    worth: Score,
    table: TermTable,
    count_tokens: Callable[[str], int],
    most_tokens: int,
) -> Expansion:
    added, left_out = fit_budget(prompt, candidate.text.rstrip(" ."), table, count_tokens, most_tokens)
    text = f"{prompt}, {added}" if added else prompt
    spans = []
    for entity in worth.entities:
        start = text.find(entity.words, len(prompt))
        if start >= 0:
            spans.append((start, start + len(entity.words), entity.kind))
    return Expansion(text, worth.total, worth.terms, candidate.source, added, tuple(spans), tuple(left_out))


def fit_budget(
    prompt: str, added: str, table: TermTable, count_tokens: Callable[[str], int], most_tokens: int = MOST_TOKENS
) -> tuple[str, list[str]]:
    """What of `added` fits behind `prompt` into `most_tokens`, and the parts left out, weakest first.

    The part with the least TF-IDF per token goes first; the prompt itself is never cut.
    """
    parts, left_out = [part for part in _CLAUSE.split(added) if part], []
    while parts and count_tokens(f"{prompt}, {' '.join(parts)}") > most_tokens:
        # The first part holds the sentence's subject: it goes last.
        rest = range(1, len(parts)) if len(parts) > 1 else range(1)
        weakest = min(rest, key=lambda place: table.richness(parts[place]) / max(1, len(parts[place].split())))
        left_out.append(parts.pop(weakest).strip(" ,;"))
    return " ".join(parts).rstrip(" ,;"), left_out

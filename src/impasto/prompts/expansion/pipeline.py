"""The pipeline of prompt expansion: propose, filter, score by equation 20 of wu2022, and fit into the token budget."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from impasto.errors import UsageError
from impasto.prompts.entities import Recogniser, names_people
from impasto.prompts.expansion.candidate_filter import near_duplicates, why_unfit
from impasto.prompts.expansion.models import UsedModel
from impasto.prompts.expansion.proposers import Candidate, Proposer, discarded_by
from impasto.prompts.expansion.proposers.knowledge import KnowledgeProposer
from impasto.prompts.expansion.scoring import Embed, Score, Weights, score
from impasto.prompts.expansion.term_table import TermTable

MOST_TOKENS = 77
# A candidate with a lower similarity has another subject.
LEAST_LIKENESS = 0.2
# An expanded prompt with a lower similarity has lost the prompt's subject.
LEAST_KEPT = 0.5
_LONGEST_PROMPT = 2000  # characters
_CLAUSE = re.compile(r"(?<=[,;])\s+|\s+(?=and |with |while |under |beneath |above |beside |between )")


@dataclass(frozen=True)
class Expansion:
    """A richer prompt with its score and the terms of the score.

    `text` begins with the user's words; `added` is the text that follows them. `components` are the weighted terms of
    `score`. `spans` are the places and times in `text` (start, end, kind). `left_out` are the parts that did not fit into
    the token budget.
    """

    text: str
    score: float
    components: dict[str, float]
    source: str
    added: str
    spans: tuple[tuple[int, int, str], ...] = ()
    left_out: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Returns the expansion as a dict of JSON types."""
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
    """A record of an expansion: every dropped candidate with its reason, and which model did what."""

    dropped: list[tuple[Candidate, str]] = field(default_factory=list)
    models: list[UsedModel] = field(default_factory=list)


def check_request(prompt: str, count: int) -> str:
    """Returns the prompt on one line. Raises UsageError if the prompt cannot be expanded or `count` is less than 1."""
    if count < 1:
        raise UsageError(f"count {count}: use 1 or more")
    text = " ".join(prompt.split())
    if not re.search(r"[^\W_]", text):
        raise UsageError("the prompt holds no word to expand")
    if any(ord(letter) < 32 and not letter.isspace() for letter in prompt):
        raise UsageError("the prompt holds control characters")
    if len(text) > _LONGEST_PROMPT:
        raise UsageError(f"the prompt has {len(text)} characters: an expansion has room for {_LONGEST_PROMPT} at most")
    return text


@dataclass(frozen=True)
class Measures:
    """The functions and limits by which candidates are scored and filtered.

    Attributes:
        embed: e(.) of equation 20, function from texts to unit vectors.
        count_tokens: function that returns a text's number of tokens in the text encoder.
        most_tokens: token limit of the text encoder.
        any_style: allow styles and painters that the prompt does not name.
        subject: function from texts to unit vectors by which a text is judged to have lost the prompt's subject; `embed` if
            None. Its limits, `LEAST_LIKENESS` and `LEAST_KEPT`, are those of MiniLM.
        recogniser: what finds places, times and people; spaCy's if None.
    """

    embed: Embed
    table: TermTable
    count_tokens: Callable[[str], int]
    weights: Weights | None = None
    most_tokens: int = MOST_TOKENS
    any_style: bool = False
    subject: Embed | None = None
    recogniser: Recogniser | None = None

    def subject_cosines(self, prompt: str, texts: Sequence[str]) -> list[float]:
        """Returns the cosine of each text with the prompt, by `subject`."""
        vectors = (self.subject or self.embed)([prompt, *texts])
        return [float(cosine) for cosine in vectors[1:] @ vectors[0]]


def expand_wu2022(
    prompt: str,
    *,
    writers: Sequence[Proposer],
    knowledge: KnowledgeProposer,
    measures: Measures,
    count: int = 5,
    seed: int = 0,
    search: Search | None = None,
    texts: int = 4,
    sentences: int = 80,
) -> list[Expansion]:
    """Expands a prompt by section 3 of wu2022: returns the `count` best texts of language models and of looked-up knowledge.

    The writers run first; knowledge is then looked up for the prompt and for everything they wrote. Candidates that are
    unfit, off the subject or near-duplicates are dropped, the rest is ranked by w(v).

    Args:
        texts: number of texts that each writer proposes.
        sentences: maximum number of sentences of looked-up articles.

    Raises:
        UsageError: the prompt is empty or far too long.
        MissingPart: a package or a model is not installed.
    """
    prompt = check_request(prompt, count)
    search = search if search is not None else Search()
    written = [candidate for writer in writers for candidate in writer.propose(prompt, count=texts, seed=seed)]
    search.dropped += [one for writer in writers for one in discarded_by(writer)]
    known = knowledge.propose(prompt, count=sentences, seed=seed, queries=[candidate.text for candidate in written])
    return _ranked(prompt, written, known, measures, count, search, goes_on=False)


@dataclass(frozen=True)
class Order:
    """How many texts a proposer is asked for, and the seed of the first."""

    count: int
    seed: int


def first_turn(count: int, seed: int) -> Order:
    """Returns what `expand_wang2023` first asks its model for."""
    return Order(count + 3, seed * 1000)


def expand_wang2023(
    prompt: str,
    *,
    writer: Proposer,
    measures: Measures,
    count: int = 5,
    seed: int = 0,
    search: Search | None = None,
) -> list[Expansion]:
    """Expands a prompt by section 3.3 of wang2023: a language model trained on prompts continues the unchanged prompt.

    Its texts are filtered and ranked like wu2022's candidates. If too few are left, the model runs again, up to three times
    in all.

    Raises:
        UsageError: the prompt is empty or far too long.
        MissingPart: a package or a model is not installed.
    """
    prompt = check_request(prompt, count)
    search = search if search is not None else Search()
    written: list[Candidate] = []
    discarded: list[tuple[Candidate, str]] = []
    found: list[Expansion] = []
    for turn in range(3):
        first = first_turn(count, seed)
        written += writer.propose(prompt, count=first.count, seed=first.seed + turn * 100)
        discarded += discarded_by(writer)
        search.dropped[:] = discarded
        found = _ranked(prompt, written, [], measures, count, search, goes_on=True)
        if len(found) >= count:
            break
    return found


def _ranked(
    prompt: str,
    written: Sequence[Candidate],
    known: Sequence[Candidate],
    measures: Measures,
    count: int,
    search: Search,
    *,
    goes_on: bool,
) -> list[Expansion]:
    """Returns the best expansions. Only knowledge may add people; `goes_on`: candidates continue the prompt's words."""
    named = names_people([c.text for c in written], measures.recogniser)
    people = dict(zip((c.text for c in written), named, strict=True))
    fit = []
    for candidate in (*written, *known):
        reason = why_unfit(candidate.text, prompt, any_style=measures.any_style, goes_on=goes_on)
        if reason is None and not measures.any_style:
            strangers = [name for name in people.get(candidate.text, ()) if name.casefold() not in prompt.casefold()]
            reason = f"brings in {strangers[0]}" if strangers else None
        if reason is None:
            fit.append(candidate)
        else:
            search.dropped.append((candidate, reason))
    fit_texts = [candidate.text for candidate in fit]
    scores = score(prompt, fit_texts, measures.embed, measures.table, measures.weights, measures.recogniser)
    same = measures.subject is None or measures.subject is measures.embed
    cosines = [worth.likeness for worth in scores] if same else measures.subject_cosines(prompt, fit_texts)
    ranked = sorted(zip(fit, scores, cosines, strict=True), key=lambda row: -row[1].total)
    twins = near_duplicates([candidate.text for candidate, *_ in ranked])
    waiting: list[tuple[Candidate, Score]] = []
    for place, (candidate, worth, cosine) in enumerate(ranked):
        if cosine < LEAST_LIKENESS and not goes_on:
            search.dropped.append((candidate, f"off the subject (cosine {cosine:.2f})"))
        elif twins[place] != place:
            search.dropped.append((candidate, "says nearly the same as a better one"))
        else:
            waiting.append((candidate, worth))
    expansions: list[Expansion] = []
    while waiting and len(expansions) < count:
        # The number of expansions still needed goes through the text encoder in one batch.
        now, waiting = waiting[: count - len(expansions)], waiting[count - len(expansions) :]
        joined = [_join(prompt, candidate, worth, measures) for candidate, worth in now]
        cosines = measures.subject_cosines(prompt, [expansion.text for expansion in joined])
        for (candidate, _), expansion, kept in zip(now, joined, cosines, strict=True):
            if kept < LEAST_KEPT:
                search.dropped.append((candidate, f"loses the subject (cosine {kept:.2f})"))
            elif expansion.added:
                expansions.append(expansion)
            else:
                search.dropped.append((candidate, "has no room beside the prompt"))
    return expansions


def _join(prompt: str, candidate: Candidate, worth: Score, measures: Measures) -> Expansion:
    words = candidate.text.rstrip(" .")
    # A continuation has its own comma, or none; a separate sentence gets one if the prompt does not end with a mark.
    joint = " " if words.startswith(" ") or prompt.endswith((",", ";", ":", ".", "!", "?")) else ", "
    added, left_out = fit_budget(
        prompt, words.lstrip(" ,;"), measures.table, measures.count_tokens, measures.most_tokens, joint
    )
    text = f"{prompt}{joint}{added}" if added else prompt
    spans = []
    for entity in worth.entities:
        start = text.find(entity.words, len(prompt))
        if start >= 0:
            spans.append((start, start + len(entity.words), entity.kind))
    return Expansion(text, worth.total, worth.terms, candidate.source, added, tuple(spans), tuple(left_out))


def fit_budget(
    prompt: str,
    added: str,
    table: TermTable,
    count_tokens: Callable[[str], int],
    most_tokens: int = MOST_TOKENS,
    joint: str = ", ",
) -> tuple[str, list[str]]:
    """Returns the parts of `added` that fit after `prompt` into `most_tokens`, and the parts left out, weakest first.

    The part that says least per word (`TermTable.information`) is removed first; the prompt itself is never cut.
    """
    parts, left_out = [part for part in _CLAUSE.split(added) if part], []
    while parts and count_tokens(f"{prompt}{joint}{' '.join(parts)}") > most_tokens:
        # The first part contains the sentence's subject, so it is removed last.
        rest = range(1, len(parts)) if len(parts) > 1 else range(1)
        weakest = min(rest, key=lambda place: table.information(parts[place]) / max(1, len(parts[place].split())))
        left_out.append(parts.pop(weakest).strip(" ,;"))
    return " ".join(parts).rstrip(" ,;"), left_out

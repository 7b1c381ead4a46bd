"""Converts the user's prompt to the captions for painting: resolves wildcards, then expands the prompt if requested."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError, UsageError
from impasto.prompts.expansion.choices import FREE, KEEP, ExpansionChoices
from impasto.prompts.weights import A1111, PLAIN, SYNTAXES, escaped

if TYPE_CHECKING:
    from impasto.painting.provenance.extension import ExtensionNote
    from impasto.painting.request import PaintRequest
    from impasto.prompts.condition import Condition
    from impasto.prompts.expansion.pipeline import Expansion

OFF = "off"
USUAL_COUNT = 5  # number of expansions that are searched, as in `impasto expand`
MOST_EXTENSIONS = 50


@dataclass(frozen=True)
class Extension:
    """An extended prompt and the note for the painting's record."""

    text: str
    note: "ExtensionNote"


@dataclass(frozen=True)
class PromptSteps:
    """The processing of a prompt before painting.

    Attributes:
        expansion: how the prompt is expanded; None for not at all.
        rank: the rank of the chosen expansion, from 1: the line of the table that `impasto expand` prints.
        wildcards: a folder of the user's own wildcards.
        syntax: "a1111" or "compel", weights and LoRA tags are read in the texts; "plain", they are words.
    """

    expansion: ExpansionChoices | None = None
    rank: int = 1
    wildcards: Path | None = None
    syntax: str = A1111

    @classmethod
    def of(
        cls, method: str, rank: int, wildcards: Path | None, *, index: Path | None, prompt_model: str | None, seed: int,
        style: str, config: Path | None, syntax: str = A1111,
    ) -> "PromptSteps":  # fmt: skip
        """Returns the steps for the options `--expand`, `--expand-rank`, `--wildcards`, `--index`, `--prompt-model`,
        `--expand-seed`, `--expand-style`, `--expansion-config` and `--prompt-syntax`; loads nothing.

        Raises:
            UsageError: a value is invalid, or an option has no effect without another.
        """
        from impasto.prompts.expansion.expander import METHODS

        if syntax not in SYNTAXES:
            raise UsageError(f"--prompt-syntax {syntax}: use {', '.join(SYNTAXES[:-1])} or {SYNTAXES[-1]}")
        if method not in (OFF, *METHODS):
            raise UsageError(f"--expand {method}: use {', '.join(METHODS)} or {OFF}")
        if not 1 <= rank <= MOST_EXTENSIONS:
            raise UsageError(f"expand-rank {rank}: use 1 to {MOST_EXTENSIONS}")
        if style not in (KEEP, FREE):
            raise UsageError(f"--expand-style {style}: use {KEEP} or {FREE}")
        if method == OFF:
            if rank != 1:
                raise UsageError("--expand-rank chooses among expansions: give --expand too")
            lone = {
                "--index": index is not None, "--prompt-model": prompt_model is not None, "--expand-seed": seed != 0,
                "--expand-style": style != KEEP, "--expansion-config": config is not None,
            }  # fmt: skip
            for option in [name for name, given in lone.items() if given]:
                raise UsageError(f"{option} is for expanded prompts: give --expand too")
            return cls(None, rank, wildcards, syntax)
        model = None if prompt_model is None else Path(prompt_model)
        choices = ExpansionChoices(method, index, model, seed, style == FREE, config)
        choices.check("--expand", "--prompt-model")
        return cls(choices, rank, wildcards, syntax)

    def apply(self, requests: Sequence["PaintRequest"], say: Callable[[str], None]) -> list["PaintRequest"]:
        """Returns the requests with resolved wildcards, each with its picture's seed, read syntax, and expanded captions.

        `say` is called with the expanded prompts, and with what was not understood of a prompt.

        Raises:
            UsageError: a wildcard is unknown.
            ImpastoError: there is no expansion of this rank.
        """
        richer: dict[str, Extension | None] = {}
        notes: dict[str, None] = {}
        done = []
        for request in requests:
            typed = request.condition.caption
            request, found = self.read(request)
            notes |= dict.fromkeys(found)
            condition = request.condition
            resolved, extension = condition.caption, None
            if self.expansion is not None and resolved:
                if resolved not in richer:
                    richer[resolved] = self.choose([condition], say)
                extension = richer[resolved]
            if extension is not None or resolved != typed:
                request = extended(request, typed, extension)
            done.append(request)
        comments = dict.fromkeys(typed for request in requests if (typed := request.condition.caption).startswith("#"))
        if comments:
            more = f" and {len(comments) - 1} more prompts begin" if len(comments) > 1 else " begins"
            say(f"{next(iter(comments))[:60]!r}{more} with '#', which is painted as a word: prompts have no comments")
        for note in notes:
            say(note)
        return done

    def read(self, request: "PaintRequest") -> "tuple[PaintRequest, tuple[str, ...]]":
        """Returns the request with resolved wildcards and read syntax in caption and negative prompt, and notes.

        Raises:
            UsageError: a wildcard is unknown, or nothing remains to be painted.
        """
        from impasto.painting.prompt_syntax import read_syntax
        from impasto.prompts.wildcards import resolve_wildcards

        typed, negative = request.condition.caption, request.negative
        notes: dict[str, None] = {}

        def say(note: str) -> None:
            notes[note] = None

        caption = resolve_wildcards(typed, request.seed, self.wildcards, say=say)
        away = resolve_wildcards(negative, request.seed, self.wildcards, of="negative", say=say)
        if caption != typed:
            request = replace(request, condition=replace(request.condition, caption=caption), prompt=typed)
        if away != negative:
            request = replace(request, negative=away, negative_prompt=negative)
        if self.syntax != PLAIN:
            request, found = read_syntax(request, syntax=self.syntax)
            notes |= dict.fromkeys(found)
        return request, tuple(notes)

    def choose(self, conditions: "Sequence[Condition]", say: Callable[[str], None]) -> Extension | None:
        """Returns the extension of this rank of the caption that the conditions share; None if there is none.

        Raises:
            ImpastoError: there are extensions, but none of this rank.
        """
        if self.expansion is None:
            return None
        found = find_extensions(self.expansion, conditions, max(USUAL_COUNT, self.rank), say)
        if not found:
            return None
        if self.rank > len(found):
            raise ImpastoError(f"expand-rank {self.rank}: `impasto expand {conditions[0].caption!r}` finds {len(found)}")
        chosen = found[self.rank - 1]
        say_extension(chosen, "expanded to", say)
        return _noted(chosen, self.rank, len(found), self.expansion)


def find_extensions(
    choices: ExpansionChoices, conditions: "Sequence[Condition]", count: int, say: Callable[[str], None]
) -> "list[Expansion]":
    """Returns at most `count` expansions, best first, of the caption that the conditions share.

    `say` is called if there are none.

    Raises:
        UsageError, MissingPart, ImpastoError: the same as `ExpansionChoices.expand_caption`.
    """
    found = choices.expand_caption(conditions, count=count)
    if not found:
        say(f"nothing was found that expands {conditions[0].caption!r}: it is painted as it is")
    return found


def best_extensions(
    choices: ExpansionChoices, conditions: "Sequence[Condition]", count: int, say: Callable[[str], None]
) -> list[Extension]:
    """Returns the `count` best extensions of the caption that the conditions share: the first lines of the table that
    `impasto expand` prints. `say` is called with each, and if there are fewer.

    Raises:
        UsageError, MissingPart, ImpastoError: the same as `ExpansionChoices.expand_caption`.
    """
    found = find_extensions(choices, conditions, max(USUAL_COUNT, count), say)
    if 0 < len(found) < count:
        say(f"{len(found)} of {count} extensions were found: the others would have been unfit, or off the subject")
    best = []
    for rank, expansion in enumerate(found[:count], start=1):
        say_extension(expansion, f"extension {rank}, score {expansion.score:.3f}, {expansion.source}", say)
        best.append(_noted(expansion, rank, len(found), choices))
    return best


def say_extension(expansion: "Expansion", what: str, say: Callable[[str], None]) -> None:
    """Reports an extended prompt, and the parts for which the text encoder has no room."""
    from impasto.prompts.expansion.pipeline import MOST_TOKENS

    say(f"{what}: {expansion.text}")
    if expansion.left_out:
        say(f"no room in {MOST_TOKENS} tokens for: {'; '.join(expansion.left_out)}")


def extended(request: "PaintRequest", typed: str, extension: Extension | None) -> "PaintRequest":
    """Returns `request` with the extended caption, and with the prompt as it was typed for the record."""
    if extension is None:
        return request if request.condition.caption == typed else replace(request, prompt=typed, expansion=None)
    words, weights = request.condition.caption, request.weights
    if weights is not None and weights.prompt:
        rest = extension.text.removeprefix(words)
        # An extension that does not begin with the prompt has no words that could be weighted.
        weighted = weights.prompt + escaped(rest) if rest != extension.text else ""
        weights = replace(weights, prompt=weighted) or None
    return replace(
        request, condition=replace(request.condition, caption=extension.text), weights=weights, prompt=typed,
        expansion=extension.text, extension=extension.note,
    )  # fmt: skip


def _noted(expansion: "Expansion", rank: int, found: int, choices: ExpansionChoices) -> Extension:
    from impasto.painting.provenance.extension import ExtensionNote

    return Extension(expansion.text, ExtensionNote.of(expansion, rank, found, choices))

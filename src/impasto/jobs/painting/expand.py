"""The job `expand`: finds and ranks richer prompts for a prompt, each with its reasons."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.prompts.expansion.choices import ExpansionChoices
from impasto.prompts.expansion.settings import ExpansionSettings

if TYPE_CHECKING:
    from impasto.prompts.expansion.models import UsedModel
    from impasto.prompts.expansion.pipeline import Expansion


# The settings that are options of their own; the others stand in the file.
SETTINGS = (
    "continuation", "dialogue", "encoder", "ner", "terms", "tfidf", "lambda1", "lambda2", "most_entities", "candidates",
)  # fmt: skip


@dataclass(frozen=True)
class Dropped:
    """A rejected proposal, and the reason."""

    reason: str
    source: str
    text: str


@dataclass(frozen=True)
class Expansions:
    """The expansions, best first, the rejected proposals, which model did what, and the written file of settings."""

    found: "list[Expansion]"
    dropped: list[Dropped] = field(default_factory=list)
    models: "list[UsedModel]" = field(default_factory=list)
    config: Path | None = None


class ExpandJob(Job):
    """Finds richer prompts for a prompt.

    Attributes:
        method: "wu2022" (knowledge and language models) or "wang2023" (a prompt model).
        model: for wang2023, the output of `impasto train prompt-model`, or a model by name such as "gpt2".
        index: for wu2022, the output of `impasto knowledge build`.
        count: number of prompts, 1 to 50.
        seed: seed of the language models' sampling.
        any_style: whether expansions may add styles and painters that the prompt does not name.
        expansion_config: a .toml or .json file of `ExpansionSettings`.
        write_config: a .toml or .json file to which the settings are written; without a prompt, nothing else is done.
        overwrite: whether that file may be replaced.
        continuation, dialogue, encoder, ner, terms, tfidf, lambda1, lambda2, most_entities, candidates: see
            `ExpansionSettings`; None for the value of the file, or the usual one.
    """

    kind: ClassVar[str] = "expand"

    prompt: str = ""
    method: str = "wu2022"
    model: Path | None = None
    index: Path | None = None
    count: int = 5
    seed: int = 0
    any_style: bool = False
    expansion_config: Path | None = None
    write_config: Path | None = None
    overwrite: bool = False
    continuation: str | None = None
    dialogue: str | None = None
    encoder: str | None = None
    ner: str | None = None
    terms: Path | None = None
    tfidf: str | None = None
    lambda1: float | None = None
    lambda2: float | None = None
    most_entities: int | None = None
    candidates: int | None = None

    @model_validator(mode="after")
    def _check(self) -> "ExpandJob":
        if not 1 <= self.count <= 50:
            raise UsageError(f"count {self.count}: use 1 to 50")
        self.choices.check()
        return self

    @property
    def choices(self) -> ExpansionChoices:
        """How the prompt is expanded."""
        changes = tuple((name, value) for name in SETTINGS if (value := getattr(self, name)) is not None)
        return ExpansionChoices(
            self.method, self.index, self.model, self.seed, self.any_style, self.expansion_config, changes
        )

    def run(self, context: Context) -> Expansions:
        """Generates, filters, scores and ranks proposals.

        Raises:
            UsageError, MissingPart, ImpastoError: the prompt is empty, a setting is unknown or invalid, or a model, an index
                or a file does not exist.
        """
        from impasto.prompts.expansion.pipeline import Search

        context.check()
        if self.write_config is not None:
            if self.write_config.exists() and not self.overwrite:
                raise UsageError(f"--write-config {self.write_config} is there already: use another name, or --overwrite")
            self._all_settings().write(self.write_config)
            if not self.prompt:
                return Expansions([], config=self.write_config)
        search = Search()
        found = self.choices.expand(self._words(context), count=self.count, search=search)
        dropped = [Dropped(reason, one.source, one.text) for one, reason in search.dropped]
        return Expansions(found, dropped, search.models, self.write_config)

    def _words(self, context: Context) -> str:
        """Returns the prompt's words, which are what is expanded: wildcards are chosen by the seed; weights are told."""
        from impasto.prompts.syntax import read_text
        from impasto.prompts.wildcards import resolve_wildcards

        read = read_text(resolve_wildcards(self.prompt, self.seed, say=context.note))
        for note in read.notes:
            context.note(note)
        if read.weighted or read.tags:
            kept = f"`impasto paint PROMPT --expand {self.method}` keeps them"
            context.note(f"{read.words.strip()!r} is expanded, without its weights and LoRA tags: {kept}")
        elif read.words != self.prompt:
            context.note(f"{read.words.strip()!r} is expanded")
        return read.words.strip() if read.words != self.prompt else self.prompt

    def _all_settings(self) -> ExpansionSettings:
        """The settings with the index and the prompt model of this job."""
        index, model = (None if path is None else str(path) for path in (self.index, self.model))
        return self.choices.settings().with_changes(index=index, prompt_model=model)

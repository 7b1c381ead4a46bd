"""The job `expand`: finds and ranks richer prompts for a prompt, each with its reasons."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context

if TYPE_CHECKING:
    from impasto.prompts.expansion.pipeline import Expansion


@dataclass(frozen=True)
class Dropped:
    """A rejected proposal, and the reason."""

    reason: str
    source: str
    text: str


@dataclass(frozen=True)
class Expansions:
    """The expansions, best first, and the rejected proposals."""

    found: "list[Expansion]"
    dropped: list[Dropped] = field(default_factory=list)


class ExpandJob(Job):
    """Finds richer prompts for a prompt.

    Attributes:
        method: "wu2022" (knowledge and language models) or "wang2023" (a prompt model).
        model: for wang2023, the output of `impasto train prompt-model`.
        index: for wu2022, the output of `impasto knowledge build`.
        count: number of prompts, 1 to 50.
        seed: seed of the language models' sampling.
        any_style: whether expansions may add styles and painters that the prompt does not name.
    """

    kind: ClassVar[str] = "expand"

    prompt: str
    method: str = "wu2022"
    model: Path | None = None
    index: Path | None = None
    count: int = 5
    seed: int = 0
    any_style: bool = False

    @model_validator(mode="after")
    def _check(self) -> "ExpandJob":
        from impasto.prompts.expansion.expander import METHODS

        if self.method not in METHODS:
            raise UsageError(f"method {self.method!r}: use {' or '.join(METHODS)}")
        if not 1 <= self.count <= 50:
            raise UsageError(f"count {self.count}: use 1 to 50")
        for option, only, given in (("--model", "wang2023", self.model), ("--index", "wu2022", self.index)):
            if given is not None and self.method != only:
                raise UsageError(f"{option} is for --method {only}")
        return self

    def run(self, context: Context) -> Expansions:
        """Generates, filters, scores and ranks proposals.

        Raises:
            UsageError, MissingPart, ImpastoError: the prompt is empty, or a model or an index does not exist.
        """
        from impasto.prompts.expansion.expander import expand
        from impasto.prompts.expansion.pipeline import Search

        context.check()
        search = Search()
        found = expand(
            self.prompt, self.method, model=self.model, index=self.index, count=self.count, seed=self.seed,
            any_style=self.any_style, search=search,
        )  # fmt: skip
        return Expansions(found, [Dropped(reason, one.source, one.text) for one, reason in search.dropped])

"""The choices of a prompt expansion as one object, shared by `expand`, by all verbs that paint, and by reproductions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import UsageError
from impasto.prompts.condition import Condition
from impasto.prompts.expansion.settings import ExpansionSettings, settings_from

if TYPE_CHECKING:
    from impasto.prompts.expansion.pipeline import Expansion, Search

_OF_WU2022 = ("continuation", "dialogue", "candidates")
KEEP, FREE = "keep", "free"  # `--style` of `impasto expand`, `--expand-style` of the verbs that paint


@dataclass(frozen=True)
class ExpansionChoices:
    """How a prompt is expanded; see `impasto.prompts.expansion.expander.expand`.

    Attributes:
        method: "wu2022" (knowledge and language models) or "wang2023" (a prompt model).
        index: for wu2022, a folder written by `impasto knowledge build`, searched in addition to the handbook.
        model: for wang2023, a folder written by `impasto train prompt-model`, or the name of a model such as "gpt2", used
            instead of the built-in model.
        seed: seed of the language models' sampling, 0 or more.
        any_style: whether expansions may name styles and painters that the prompt does not.
        config: a file of `ExpansionSettings`: the models by role and the parameters of the score.
        changes: single settings by name, which override those of the file; such as (("lambda1", 0.5),).
    """

    method: str = "wu2022"
    index: Path | None = None
    model: Path | None = None
    seed: int = 0
    any_style: bool = False
    config: Path | None = None
    changes: tuple[tuple[str, Any], ...] = ()

    def settings(self) -> ExpansionSettings:
        """Reads the settings.

        Raises:
            UsageError, ImpastoError: see `ExpansionSettings.read`.
        """
        return settings_from(self.config, **dict(self.changes))

    @property
    def named_parts(self) -> str:
        """The names of the index, the model and the settings that are not the usual ones, for records; "" if there are none.

        Raises:
            UsageError, ImpastoError: see `ExpansionSettings.read`.
        """
        given = [Path(part).name for part in (self.index, self.model) if part is not None]
        paths = ("terms", "index", "continuation", "dialogue", "encoder", "ner", "prompt_model")
        for name, value in self.settings().differing().items():
            given.append(f"{name} {Path(value).name if name in paths else value}")
        return ", ".join(given)

    def check(self, method_option: str = "--method", model_option: str = "--model") -> None:
        """Checks the values, and reads the file of settings; loads nothing else.

        Args:
            method_option, model_option: the names of the options in the messages.

        Raises:
            UsageError: there is no such method, the seed is negative, a setting is invalid, or an option does not belong to
                the method; there is no such file of settings.
            ImpastoError: that file cannot be read.
        """
        from impasto.prompts.expansion.expander import METHODS

        if self.method not in METHODS:
            raise UsageError(f"{method_option.removeprefix('--')} {self.method!r}: use {' or '.join(METHODS)}")
        if self.seed < 0:
            raise UsageError(f"the seed of the expansion is {self.seed}: use 0 or more")
        for option, only, given in ((model_option, "wang2023", self.model), ("--index", "wu2022", self.index)):
            if given is not None and self.method != only:
                raise UsageError(f"{option} is for {method_option} {only}")
        for name, _ in self.changes:
            if name in _OF_WU2022 and self.method != "wu2022":
                raise UsageError(f"--{name} is for {method_option} wu2022")
        self.settings()

    def expand(
        self, prompt: str, *, count: int = 5, most_tokens: int | None = None, search: "Search | None" = None
    ) -> "list[Expansion]":
        """Expands `prompt`: returns richer prompts, best first, `count` at most; see `expander.expand`.

        Raises:
            UsageError, MissingPart, ImpastoError: the same as `expander.expand`.
        """
        from impasto.prompts.expansion.expander import expand
        from impasto.prompts.expansion.pipeline import MOST_TOKENS

        return expand(
            prompt, self.method, count=count, seed=self.seed, any_style=self.any_style, model=self.model, index=self.index,
            most_tokens=MOST_TOKENS if most_tokens is None else most_tokens, search=search, settings=self.settings(),
        )  # fmt: skip

    def expand_caption(self, conditions: Sequence[Condition], *, count: int = 5) -> "list[Expansion]":
        """Expands a caption that several conditions share, so that the other parts of each of them still fit.

        The conditions differ in their other parts, such as the artist: a series has the same extended prompt by all its
        artists (wu2022, figures 5 to 8).

        Raises:
            UsageError, MissingPart, ImpastoError: the same as `expander.expand`.
        """
        from impasto.prompts.expansion.pipeline import MOST_TOKENS
        from impasto.prompts.expansion.sentence_vectors import count_tokens

        rests = {replace(condition, caption="").text() for condition in conditions}
        taken = max((count_tokens(f", {rest}") - 2 if rest else 0 for rest in rests), default=0)
        return self.expand(conditions[0].caption, count=count, most_tokens=MOST_TOKENS - taken)

"""Converts the user's prompt to the captions for painting: resolves wildcards, then expands the prompt if requested."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError, UsageError

if TYPE_CHECKING:
    from impasto.painting.request import PaintRequest
    from impasto.prompts.condition import Condition

OFF = "off"
USUAL_COUNT = 5  # number of expansions that are searched, as in `impasto expand`


@dataclass(frozen=True)
class PromptSteps:
    """The processing of a prompt before painting.

    Attributes:
        method: the expansion method, or "off".
        rank: the rank of the chosen expansion, from 1: the line of the table that `impasto expand` prints.
        wildcards: a folder of the user's own wildcards.
    """

    method: str = OFF
    rank: int = 1
    wildcards: Path | None = None

    def check(self) -> None:
        """Raises UsageError if a value is invalid; loads nothing."""
        from impasto.prompts.expansion.expander import METHODS

        if self.method not in (OFF, *METHODS):
            raise UsageError(f"--expand {self.method}: use {', '.join(METHODS)} or {OFF}")
        if not 1 <= self.rank <= 50:
            raise UsageError(f"expand-rank {self.rank}: use 1 to 50")
        if self.rank != 1 and self.method == OFF:
            raise UsageError("--expand-rank chooses among expansions: give --expand too")

    def apply(self, requests: Sequence["PaintRequest"], say: Callable[[str], None]) -> list["PaintRequest"]:
        """Returns the requests with resolved wildcards, each with its picture's seed, and expanded captions.

        `say` is called with the expanded prompts.

        Raises:
            UsageError: a wildcard is unknown.
            ImpastoError: there is no expansion of this rank.
        """
        from impasto.prompts.wildcards import resolve_wildcards

        richer: dict[str, str] = {}
        done = []
        for request in requests:
            typed = request.condition.caption
            resolved = resolve_wildcards(typed, request.seed, self.wildcards)
            condition, expansion = replace(request.condition, caption=resolved), None
            if self.method != OFF and resolved:
                if resolved not in richer:
                    richer[resolved] = self._expansion(condition, say)
                expansion = richer[resolved]
                condition = replace(condition, caption=expansion)
            if condition.caption != typed:
                request = replace(request, condition=condition, prompt=typed, expansion=expansion)
            done.append(request)
        return done

    def _expansion(self, condition: "Condition", say: Callable[[str], None]) -> str:
        from impasto.prompts.expansion.expander import expand_caption
        from impasto.prompts.expansion.pipeline import MOST_TOKENS

        found = expand_caption(condition, self.method, count=max(USUAL_COUNT, self.rank))
        if not found:
            say(f"nothing was found that expands {condition.caption!r}: it is painted as it is")
            return condition.caption
        if self.rank > len(found):
            raise ImpastoError(f"expand-rank {self.rank}: `impasto expand {condition.caption!r}` finds {len(found)}")
        chosen = found[self.rank - 1]
        say(f"expanded to: {chosen.text}")
        if chosen.left_out:
            say(f"no room in {MOST_TOKENS} tokens for: {'; '.join(chosen.left_out)}")
        return chosen.text

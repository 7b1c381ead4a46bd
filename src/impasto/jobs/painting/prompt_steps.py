"""From the prompt that was typed to the captions that are painted: wildcards are chosen, then it is expanded, if asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError, UsageError

if TYPE_CHECKING:
    from impasto.painting.request import PaintRequest
    from impasto.prompts.condition import Condition

OFF = "off"
USUAL_COUNT = 5  # expansions that are looked for, as `impasto expand` does


@dataclass(frozen=True)
class PromptSteps:
    """What is done with a prompt before it is painted.

    Attributes:
        method: of expansion, or "off".
        rank: which line of the table that `impasto expand` prints for it, from 1.
        wildcards: a folder of the user's own wildcards.
    """

    method: str = OFF
    rank: int = 1
    wildcards: Path | None = None

    def check(self) -> None:
        """Raises UsageError where the words make no sense; nothing is loaded for it."""
        from impasto.prompts.expansion.expander import METHODS

        if self.method not in (OFF, *METHODS):
            raise UsageError(f"--expand {self.method}: use {', '.join(METHODS)} or {OFF}")
        if not 1 <= self.rank <= 50:
            raise UsageError(f"expand-rank {self.rank}: use 1 to 50")
        if self.rank != 1 and self.method == OFF:
            raise UsageError("--expand-rank chooses among expansions: give --expand too")

    def apply(self, requests: Sequence["PaintRequest"], say: Callable[[str], None]) -> list["PaintRequest"]:
        """The requests with their captions resolved, picture by picture with its own seed, and expanded.

        `say` hears what a prompt was expanded to.

        Raises:
            UsageError: a wildcard is not known; ImpastoError: there is no expansion of this rank.
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

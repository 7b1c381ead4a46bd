"""The prompt expansions of a reproduction; each is computed once and kept in `expansions.json`."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.prompts.condition import Condition
from impasto.prompts.expansion.choices import ExpansionChoices
from impasto.reproduction.time_bounds import Bound


class Expansions:
    """Maps conditions and a seed to the expansions of their caption, best first; empty if none was found.

    The conditions of a group share their caption and differ in the rest, such as the artist; the expansion leaves room for
    the longest rest.

    Attributes:
        known: the expansions by their keys (seed and text).
        late: number of prompts that were not expanded because the time was up.
    """

    def __init__(self, path: Path, choices: ExpansionChoices, count: int) -> None:
        """Reads earlier expansions from `path`.

        Args:
            path: the file that keeps the expansions.
            choices: how prompts are expanded; its seed is not used.
            count: how many expansions are searched.

        Raises:
            ImpastoError: the file cannot be read.
        """
        self._path, self._choices, self._count = path, choices, count
        self.known: dict[str, list[str]] = {}
        self.late = 0
        try:
            read = json.loads(path.read_text("utf-8"))
            self.known = {str(key): [str(text) for text in found] for key, found in read.items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, AttributeError, TypeError):
            raise ImpastoError(f"{path} cannot be read: remove it, and prompts are expanded anew") from None

    def expand(
        self,
        groups: Iterable[Sequence[Condition]],
        seed: int,
        on_share: Callable[[str, float], None],
        bound: Bound | None = None,
    ) -> None:
        """Expands what is not known yet; each expansion is on disk before the next one starts.

        Args:
            groups: the conditions that share an expansion; those without a caption are skipped.
            seed: the seed of the language models.
            on_share: called with (name of the step, share done).
            bound: the time after which no further prompt is expanded; the rest is counted in `late`.

        Raises:
            MissingPart: a part that expansion needs is not installed.
            ImpastoError: the file cannot be written.
        """
        wanted = {_key(group, seed): group for group in groups if group[0].caption}
        missing = [key for key in wanted if key not in self.known]
        choices = replace(self._choices, seed=seed)
        for number, key in enumerate(missing):
            if bound is not None and bound.is_over:
                self.late += len(missing) - number
                return
            on_share(f"seed {seed}, prompt {number + 1} of {len(missing)}", number / len(missing))
            found = choices.expand_caption(wanted[key], count=self._count)
            self.known[key] = [expansion.text for expansion in found]
            try:
                write_atomically(self._path, json.dumps(self.known, ensure_ascii=False, indent=1).encode())
            except OSError as error:
                raise ImpastoError(f"{self._path} cannot be written: {error.strerror}") from None

    def of(self, group: Sequence[Condition], seed: int) -> str:
        """Returns the best expanded caption of the conditions; "" if there is none."""
        return next(iter(self.all_of(group, seed)), "")

    def all_of(self, group: Sequence[Condition], seed: int) -> list[str]:
        """Returns all expanded captions of the conditions, best first."""
        return self.known.get(_key(group, seed), [])


def _key(group: Sequence[Condition], seed: int) -> str:
    return f"seed {seed}: {max((condition.text() for condition in group), key=len)}"

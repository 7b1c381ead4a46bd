"""The prompt expansions of a reproduction; each is computed once and kept in `expansions.json`."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.prompts.condition import Condition
from impasto.prompts.expansion.expander import expand_caption


class Expansions:
    """Maps a condition to its expanded caption; "" if no expansion was found."""

    def __init__(self, path: Path, method: str, count: int) -> None:
        """Reads earlier expansions from `path`.

        Args:
            path: the file that keeps the expansions.
            method: the expansion method.
            count: how many expansions are searched.

        Raises:
            ImpastoError: the file cannot be read.
        """
        self._path, self._method, self._count = path, method, count
        self.known: dict[str, str] = {}
        try:
            self.known = {str(text): str(found) for text, found in json.loads(path.read_text("utf-8")).items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, AttributeError):
            raise ImpastoError(f"{path} cannot be read: remove it, and prompts are expanded anew") from None

    def expand(self, conditions: Iterable[Condition], on_share: Callable[[str, float], None]) -> None:
        """Expands the conditions that are not known yet; each expansion is on disk before the next one starts.

        Args:
            conditions: the conditions; those without a caption are skipped.
            on_share: called with (name of the step, share done).

        Raises:
            MissingPart: a part that expansion needs is not installed.
            ImpastoError: the file cannot be written.
        """
        wanted = {condition.text(): condition for condition in conditions if condition.caption}
        missing = [text for text in wanted if text not in self.known]
        for number, text in enumerate(missing):
            on_share(f"prompt {number + 1}", number / len(missing))
            found = expand_caption(wanted[text], self._method, count=self._count)
            self.known[text] = found[0].text if found else ""
            try:
                write_atomically(self._path, json.dumps(self.known, ensure_ascii=False, indent=1).encode())
            except OSError as error:
                raise ImpastoError(f"{self._path} cannot be written: {error.strerror}") from None

    def of(self, condition: Condition) -> str:
        """Returns the expanded caption of the condition; "" if there is none."""
        return self.known.get(condition.text(), "")

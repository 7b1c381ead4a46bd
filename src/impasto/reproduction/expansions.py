"""The prompt expansions of a reproduction, each written once and kept in `expansions.json`."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.prompts.condition import Condition
from impasto.prompts.expansion.expander import expand_caption


class Expansions:
    """From a condition to its expanded caption; "" where nothing was found that expands it."""

    def __init__(self, path: Path, method: str, count: int) -> None:
        """`path`: where they are kept; `count`: how many are looked for. Raises ImpastoError where that cannot be read."""
        self._path, self._method, self._count = path, method, count
        self.known: dict[str, str] = {}
        try:
            self.known = {str(text): str(found) for text, found in json.loads(path.read_text("utf-8")).items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, AttributeError):
            raise ImpastoError(f"{path} cannot be read: remove it, and prompts are expanded anew") from None

    def expand(self, conditions: Iterable[Condition], on_share: Callable[[str, float], None]) -> None:
        """Expands what is not known yet; each is on disk before the next.

        Raises:
            MissingPart: a part that expansion needs is not installed. ImpastoError: the disk refuses.
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
        """Its expanded caption, "" where there is none."""
        return self.known.get(condition.text(), "")

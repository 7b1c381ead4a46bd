"""The result of a safety checker in a painting's record. It is read back as untrusted input."""

from dataclasses import dataclass
from typing import Any

from impasto.painting.foreign import RecordError

KEEP, BLUR, DROP = "keep", "blur", "drop"
ACTIONS = (KEEP, BLUR, DROP)
_LONGEST = 300


@dataclass(frozen=True)
class SafetyNote:
    """What a safety checker found in a painting.

    Attributes:
        checker: the checker's name.
        identity: the hash of its weights.
        flagged: whether it flagged the painting.
        action: what was done with a flagged painting: "keep" or "blur"; "" for one that is not flagged.
    """

    checker: str
    identity: str
    flagged: bool
    action: str = ""

    def __str__(self) -> str:
        done = {KEEP: "flagged and kept", BLUR: "flagged and blurred"}.get(self.action, "flagged")
        return f"{done if self.flagged else 'not flagged'} by {self.checker} ({self.identity[:12]})"


def read_safety(value: Any) -> SafetyNote | None:
    """Reads the field `safety`; None, as in pictures that were not checked, gives None.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        texts = [value.get("checker"), value.get("identity"), value.get("action")]
        flagged = value.get("flagged")
        known = [text for text in texts if isinstance(text, str) and len(text) <= _LONGEST and text.isprintable()]
        if len(known) == 3 and isinstance(flagged, bool) and known[2] in ("", KEEP, BLUR):
            return SafetyNote(known[0], known[1], flagged, known[2])
    raise RecordError("its impasto record has no valid 'safety'")

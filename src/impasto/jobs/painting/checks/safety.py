"""Checks finished paintings with a safety checker before they are saved, and keeps, blurs or drops those that it flags."""

from dataclasses import replace
from typing import TYPE_CHECKING

from impasto.errors import UsageError
from impasto.jobs.context import Context

if TYPE_CHECKING:
    from impasto.painting.painting import Painting
    from impasto.vision.safety.interface import SafetyChecker

OFF = "off"


def check_safety_options(checker: str, flagged: str) -> None:
    """Checks the options, and that the checker's folder is here; loads nothing.

    Raises:
        UsageError: there is no such action, or one without a checker; the checker's name is empty.
        MissingPart, ImpastoError: as `find_checker`.
    """
    from impasto.painting.safety.record import ACTIONS, KEEP

    if flagged not in ACTIONS:
        raise UsageError(f"--flagged {flagged}: use {', '.join(ACTIONS)}")
    if flagged != KEEP and checker == OFF:
        raise UsageError(f"--flagged {flagged} needs a checker: give --safety-checker FOLDER")
    if checker != OFF:
        from impasto.vision.safety.checker_folder import find_checker

        find_checker(checker)


class PaintingSafety:
    """Decides on finished paintings. Without a checker, a painting that was blurred before is blurred again."""

    def __init__(self, checker: "SafetyChecker | None", flagged: str, context: Context, *, again: bool = True) -> None:
        """
        Args:
            checker: flags paintings; None for no check.
            flagged: "keep", "blur" or "drop".
            context: gets a note for each flagged painting.
            again: without a checker, whether a recorded blur is repeated.
        """
        self._checker, self._flagged, self._context, self._again = checker, flagged, context, again
        self.dropped = 0

    @classmethod
    def load(cls, checker: str, flagged: str, device: str, context: Context, *, again: bool = True) -> "PaintingSafety":
        """Loads the checker of this name; "off" for none.

        Raises:
            UsageError, MissingPart, ImpastoError: as `StableDiffusionChecker`.
        """
        if checker == OFF:
            return cls(None, flagged, context, again=again)
        from impasto.vision.safety.stable_diffusion import StableDiffusionChecker

        return cls(StableDiffusionChecker(checker, device=device), flagged, context, again=again)

    def decide(self, painting: "Painting") -> "Painting | None":
        """Returns the painting as it is to be saved, with the checker's result in its record; None if it is dropped."""
        from impasto.painting.safety.blurring import blurred
        from impasto.painting.safety.record import BLUR, DROP, SafetyNote

        record = painting.provenance
        if self._checker is None:
            if record.safety is None or (self._again and record.safety.action != BLUR):
                return painting
            if not self._again:
                return replace(painting, provenance=replace(record, safety=None))
            return replace(painting, image=blurred(painting.image))
        (flagged,) = self._checker.flags([painting.image])
        name = self._checker.name
        if flagged:
            done = {BLUR: "blurred", DROP: "dropped"}.get(self._flagged, "kept")
            self._context.note(f"the painting of seed {record.seed} is flagged by the safety checker {name}: it is {done}")
            if self._flagged == DROP:
                self.dropped += 1
                return None
        name = "".join(letter if letter.isprintable() else " " for letter in name)[-300:]
        note = SafetyNote(name, self._checker.identity, flagged, self._flagged if flagged else "")
        image = blurred(painting.image) if flagged and self._flagged == BLUR else painting.image
        return replace(painting, image=image, provenance=replace(record, safety=note))

"""The picture that a painting starts from: its options, checked without the disk, and the file, when the job runs."""

from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.painting.editing.edit import Edit

NO_KEEPING = "no"


def check_start(init: Path | None, strength: float | None, fit: str | None, keep_source: str) -> None:
    """Checks the options of a picture to start from.

    Raises:
        UsageError: a value is out of its range, or there is no picture that it could be for.
    """
    from impasto.painting.editing.edit import check_strength, check_word
    from impasto.painting.editing.record import FITS, KEPT

    if strength is not None:
        check_strength(strength)
    if fit is not None:
        check_word("--fit", fit, FITS)
    check_word("--keep-source", keep_source, KEPT)
    given = {"--strength": strength is not None, "--fit": fit is not None, "--keep-source": keep_source != NO_KEEPING}
    lonely = next((option for option, is_given in given.items() if is_given), None)
    if init is None and lonely is not None:
        raise UsageError(f"{lonely} is for a picture to start from: add --from FILE, or leave it away")


def starting_picture(init: Path, strength: float | None, fit: str | None, keep_source: str) -> "Edit":
    """Opens the picture that a painting starts from.

    Raises:
        UsageError, ImpastoError: it is not there, no picture, an animation, too small or too large.
    """
    from typing import cast

    from impasto.painting.editing.edit import FROM_STRENGTH, Edit
    from impasto.painting.editing.record import Fit, Kept
    from impasto.painting.editing.source import open_source

    source = open_source(init, "--from ")
    chosen = FROM_STRENGTH if strength is None else strength
    return Edit(source, chosen, cast(Fit, fit or "crop"), kept=cast(Kept, keep_source))

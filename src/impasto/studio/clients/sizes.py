"""How large a checkpoint paints what a client asks for: clients ask for 512 or 1024 px whatever the checkpoint is."""

from impasto.jobs.painting.foreign_settings import fitting_size
from impasto.studio.requests.listed import listed_checkpoints
from impasto.studio.requests.references import RUN
from impasto.studio.state import Studio

USUAL_SIDE = 512  # of a checkpoint that does not tell
MOST_TIMES = 2  # a side that is so many times the checkpoint's is painted as it is asked for
SMALLEST = 64


def side_of(studio: Studio, checkpoint: str) -> int:
    """Returns the side, in px, of the pictures on which a listed checkpoint was trained.

    Raises:
        UsageError, ImpastoError: there is no such checkpoint, or it is broken.
    """
    if not checkpoint.startswith(RUN):
        known = next((one for one in listed_checkpoints() if one.name == checkpoint), None)
        if known is not None and known.default_size:
            return known.default_size
    from impasto.checkpoints.listing import inspect_checkpoint

    return inspect_checkpoint(studio.references.resolve("checkpoint", checkpoint)).default_size or USUAL_SIDE


def painted_size(width: int | None, height: int | None, side: int) -> tuple[int, int, str]:
    """Returns width and height in px, multiples of 8, and a note if they are not what was asked for, else "".

    A size with a side of more than twice the checkpoint's becomes one of the same proportions and of the checkpoint's area:
    a checkpoint that learned 128 px paints no picture at 1024, but the same motif many times.
    """
    asked = (width or height or side, height or width or side)
    if max(asked) <= MOST_TIMES * side:
        fit = tuple(max(SMALLEST, 8 * round(one / 8)) for one in asked)
    else:
        fit = fitting_size(*asked, side)
    note = f"painted at {fit[0]}x{fit[1]}, which the checkpoint can paint, for {asked[0]}x{asked[1]}"
    return fit[0], fit[1], "" if fit == asked else note

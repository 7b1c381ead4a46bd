"""The engine with which a picture is painted again: the recorded one where it is there, so that every byte is the same."""

from typing import TYPE_CHECKING

from impasto.errors import ImpastoError
from impasto.jobs.painting.adapters import Say

if TYPE_CHECKING:
    from impasto.painting.provenance.record import Provenance

AUTO, EAGER = "auto", "eager"


def recorded_engine(record: "Provenance", engine: str, device: str, precision: str, say: Say) -> tuple[str, str]:
    """Returns the engine and the precision to paint the picture of `record` with; `say` is told what may differ.

    What the job names stays: only "auto" is replaced.

    Raises:
        UsageError, MissingPart: the device, or what the job names, is unknown or not here.
    """
    from impasto.painting.engines.choice import choose_engine
    from impasto.settings import choose_device

    where = choose_device(device)
    choose_engine(engine, where, precision)
    before = record.engine
    if before is None:
        if engine == AUTO and where.type == "cpu":
            say("it was painted before engines were recorded: eager paints it, and pixels may differ by 1 of 255")
            return EAGER, precision
        return engine, precision
    wanted = before.name if engine == AUTO else engine
    exact = before.precision if precision == AUTO and where.type == before.device else precision
    try:
        chosen = choose_engine(wanted, where, exact)
    except ImpastoError as error:
        say(f"it was painted by {before}, which is not here ({error}): pixels may differ by 1 of 255")
        return engine, precision
    now = chosen.note(where)
    if now != before:
        say(f"it was painted by {before}, and now by {now}: pixels may differ by 1 of 255")
    return wanted, exact

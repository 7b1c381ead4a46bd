"""The engine with which a picture is painted again: the recorded one where it is there, so that every byte is the same."""

from typing import TYPE_CHECKING

from impasto.errors import ImpastoError
from impasto.jobs.painting.adapters import Say

if TYPE_CHECKING:
    from impasto.painting.provenance.record import Provenance

AUTO, EAGER, OPTIMIZED = "auto", "eager", "optimized"
_MAY_DIFFER = "pixels may differ by 1 of 255"


def recorded_engine(record: "Provenance", engine: str, device: str, precision: str, say: Say) -> tuple[str, str]:
    """Returns the engine and the precision to paint the picture of `record` with; `say` is told what may differ.

    What the job names stays: only "auto" is replaced.

    Raises:
        UsageError, MissingPart: the device, or what the job names, is unknown or not here.
    """
    import torch

    from impasto.painting.engines.choice import choose_engine
    from impasto.settings import choose_device

    where = choose_device(device)
    asked, before = choose_engine(engine, where, precision), record.engine
    if before is None:
        if engine != AUTO or where.type != "cpu":
            return engine, precision
        # As pictures were painted before engines were recorded.
        return (OPTIMIZED if asked.dtype == torch.float32 and asked.inference == "fp32" else EAGER), precision
    if before.device != where.type:
        say(f"it was painted by {before}, and now on {where.type}: {_MAY_DIFFER}")
        return engine, precision
    wanted, exact = before.name if engine == AUTO else engine, before.precision if precision == AUTO else precision
    try:
        now = choose_engine(wanted, where, exact).note(where)
    except ImpastoError as error:
        say(f"it was painted by {before}, which cannot be used here ({error}): {_MAY_DIFFER}")
        return engine, precision
    if now != before:
        say(f"it was painted by {before}, and now by {now}: {_MAY_DIFFER}")
    if record.words is not None and engine == AUTO and wanted == OPTIMIZED:
        return AUTO, exact  # the same here; an engine by name would be told that eager edits words
    return wanted, exact

"""Guider and guidance of a repainted picture, for another guider or from A1111's parameter text."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from impasto.painting.foreign.record import ForeignRecord
    from impasto.painting.request import PaintRequest


def other_guidance(
    request: "PaintRequest", guider: str | None, interval: str | None, sampler: str | None
) -> dict[str, Any]:
    """Returns the changed fields of a request that is repainted with another guider.

    If the new or the former guider has its own usual guidance, the guidance changes, too. An interval implies the guider
    `interval`.

    Raises:
        UsageError: there is no such guider, or the interval is invalid.
    """
    from impasto.painting.guidance.guiders import find_guider
    from impasto.painting.guidance.record import parse_interval
    from impasto.painting.samplers import find_sampler

    changes: dict[str, Any] = {}
    if interval:
        guider = guider or "interval"
        changes["guidance_interval"] = parse_interval(interval)
    if guider is None or guider == request.guider:
        return changes
    usual, former = find_guider(guider).usual_guidance, find_guider(request.guider).usual_guidance
    if usual is not None:
        changes["guidance"] = usual
    elif former is not None:
        changes["guidance"] = find_sampler(sampler or request.sampler).usual_guidance
    return {"guider": guider, "guidance_interval": None, **changes}


def guidance_in_text(record: "ForeignRecord") -> dict[str, Any]:
    """Returns the guider and its interval from A1111's parameter text, if impasto wrote this text."""
    from impasto.painting.guidance.record import GUIDANCE_INTERVAL, GUIDER, parse_interval

    if record.tool != "impasto" or GUIDER not in record.extra:
        return {}
    interval = record.extra.get(GUIDANCE_INTERVAL)
    return {"guider": record.extra[GUIDER], "guidance_interval": None if interval is None else parse_interval(interval)}

"""Checks and notes that several catalogue jobs share."""

from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import UsageError
from impasto.stores.place import address_of

if TYPE_CHECKING:
    from impasto.data.catalogue.entry import CatalogueReport
    from impasto.jobs.context import Context


def check_number(option: str, value: int | None, least: int, most: int | None = None) -> None:
    """Raises UsageError if `value` is not in `least` .. `most`; None is always valid."""
    if value is not None and not (least <= value and (most is None or value <= most)):
        raise UsageError(f"{option} {value}: use {least} {'or more' if most is None else f'to {most}'}")


def check_catalogue(folder: Path) -> None:
    """Raises UsageError if the folder does not exist; whether an address holds shards is seen when they are read."""
    if address_of(folder) is None and not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")


def note_report(report: "CatalogueReport", context: "Context", most: int | None = None) -> None:
    """Notes the report's notes on the folder, its warnings, then the skipped pictures; at most `most` of the last two.

    If there are more, the last note counts the skipped ones by reason.
    """
    from impasto.data.catalogue.entry import counted_reasons

    for note in report.notes:
        context.note(note)
    told = [*report.warnings, *report.skipped]
    for skipped in told[:most]:
        context.note(f"{skipped.file_name}: {skipped.reason}")
    unnamed = report.more.total() + max(0, len(told) - most if most is not None else 0)
    if unnamed:
        reasons = counted_reasons(report.reasons())
        context.note(f"{unnamed} more are not named" + (f"; left out are in all {reasons}" if reasons else ""))

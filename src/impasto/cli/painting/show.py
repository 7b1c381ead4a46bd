"""`impasto show`: shows the provenance record of a picture or a sheet."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.console import say_facts, say_json, say_note
from impasto.errors import ImpastoError, UsageError

if TYPE_CHECKING:
    from impasto.painting.memory.record import MemoryUse
    from impasto.painting.provenance.record import ForeignRecord, Provenance
    from impasto.painting.sheets.record import SheetRecord

_LONGEST = 2000  # characters of one setting
Facts = list[tuple[str, object]]


def show(
    file: Annotated[
        Path,
        typer.Argument(help="A picture: ours, a sheet of `impasto grid`, another tool's (docs/records.md).", metavar="FILE"),
    ],
    cell: Annotated[str, typer.Option(help="Of a sheet, one painting, counted from 1.", metavar="ROW,COLUMN")] = "",
    trust: Annotated[
        Path | None,
        typer.Option(help="Certificates of the roots that you trust, PEM, for Content Credentials.", metavar="FILE"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how a picture was made, from the record inside its file, and verify its Content Credentials."""
    from impasto.cli.credentials.verified import Verified
    from impasto.painting.provenance.record import read_provenance
    from impasto.painting.sheets.file import read_sheet
    from impasto.painting.upscaling.note import read_upscalings

    sheet = read_sheet(file)
    if cell and sheet is None:
        raise UsageError(f"--cell {cell}: {file} is no sheet of `impasto grid`")
    verified = Verified.of(file, trust)
    if sheet is not None and not cell:
        fields, facts = _of_sheet(sheet)
    elif sheet is not None:
        fields, facts = _of_picture(sheet.cell(*_place(cell)))
    else:
        try:
            fields, facts = _of_picture(read_provenance(file))
        except ImpastoError as error:
            if not verified.is_there:
                raise
            say_note(error)  # the credentials are to be shown nevertheless
            fields, facts = {}, []
    if upscalings := read_upscalings(file):
        fields["upscaled"] = [asdict(note) for note in upscalings]
        facts += [("upscaled", note) for note in upscalings]
    fields["credentials"] = verified.fields
    if verified.is_there or trust is not None:  # of an unsigned picture nothing is said, unless one asks by --trust
        facts += verified.facts
    if as_json:
        say_json(fields)
    else:
        facts.insert(0, ("file", file))
        say_facts([(name.replace("_", " "), value) for name, value in facts], title="")
    verified.refuse_tampered(file)


def _place(cell: str) -> tuple[int, int]:
    place = re.fullmatch(r"\s*(\d{1,9})\s*[,x]\s*(\d{1,9})\s*", cell)
    if place is None:
        raise UsageError(f"--cell {cell!r}: use ROW,COLUMN, such as 1,2")
    return int(place[1]), int(place[2])


def _of_sheet(sheet: "SheetRecord") -> tuple[dict[str, Any], Facts]:
    """Describes a sheet, as JSON values and as facts: its axes, and the settings that all cells share."""
    shared = sheet.shared()
    axes = [(place, axis) for place, axis in (("rows", sheet.rows), ("columns", sheet.columns)) if axis.name]
    facts: Facts = [("sheet", f"{len(sheet.rows.titles)} x {len(sheet.columns.titles)} cells; --cell ROW,COLUMN shows one")]
    facts += [(place, f"{axis.name}: {'; '.join(axis.titles)}") for place, axis in axes]
    facts += [(name, value) for name, value in shared.items() if isinstance(value, str | int | float)]
    return {"tool": "impasto", **asdict(sheet)}, facts


def _of_picture(record: "Provenance | ForeignRecord") -> tuple[dict[str, Any], Facts]:
    """Describes one picture, as JSON values and as facts."""
    from impasto.painting.provenance.record import Provenance

    fields = asdict(record)
    if not isinstance(record, Provenance):
        plain = [(name, value) for name, value in fields.items() if name not in ("extra", "untold")]
        untold = [(name, f"(cannot be told: {reason})") for name, reason in record.untold.items()]
        return fields, [*plain, *untold, *((name, _shortened(value)) for name, value in record.extra.items())]
    told = {"tool": "impasto", **fields}
    parts = [(name, value) for name, value in record.condition.items() if name != "caption"]
    shown_else = ("prompt", "condition", "loras", "concepts", "copy_check", "memory", "extension", "best_of", "weights",
                  "safety", "edit", "engine", "controls", "guides", "words")  # fmt: skip
    rest = [(name, value) for name, value in told.items() if name not in shown_else]
    facts: Facts = [("prompt", record.prompt), *parts, *rest, ("copy_check", record.copy_check)]
    facts += [("extension", record.extension), ("best_of", record.best_of), ("safety", record.safety)]
    facts += [("edit", record.edit), ("engine", record.engine), ("words", record.words)]
    facts += [("control", control) for control in record.controls or ()]
    facts += [("guide", guide) for guide in record.guides or ()]
    if record.weights is not None:
        facts += [("weighted prompt", record.weights.prompt), ("weighted negative", record.weights.negative)]
    facts += [("lora", f"{x.name}:{x.scale:g} ({x.path}, {x.content_hash[:12]})") for x in record.loras]
    facts += [("concept", f"{x.name} ({x.path}, {x.content_hash[:12]})") for x in record.concepts]
    return told, facts + _memory_facts(record.memory)


def _shortened(value: str) -> str:
    """Returns a setting for a line; of what is very long, its beginning."""
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}… ({len(value):,} characters; --json prints all)"


def _memory_facts(use: "MemoryUse | None") -> list[tuple[str, object]]:
    """The memory, reference pictures and retrieved works that were used for the painting."""
    if use is None:
        return []
    source = use.source or "the checkpoint's"
    facts: list[tuple[str, object]] = [("memory", f"{source} ({use.content_hash[:12]})" if use.content_hash else source)]
    facts += [("like", f"{like.name}:{like.weight:g} ({like.content_hash[:12]})") for like in use.likes]
    return [*facts, *(("looked at", work) for work in use.works)]

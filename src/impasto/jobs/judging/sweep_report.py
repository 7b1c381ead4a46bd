"""Writes the report of a sweep: the curve, the numbers as CSV and JSON, a Markdown table, and a sheet of the paintings."""

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError
from impasto.evaluation.curve import Curve, draw_curve
from impasto.evaluation.estimate import Estimate, Measured, Refused
from impasto.evaluation.labels import label
from impasto.files import write_atomically

if TYPE_CHECKING:
    from impasto.jobs.judging.sweep import Sweep

_SHOWN_PROMPTS = 12  # rows of the sheet
_CELL = 128  # px of a side
_NAMES = {"curve": "curve.png", "table": "curve.csv", "numbers": "curve.json", "markdown": "curve.md", "sheet": "sheet.png"}


def write_sweep(sweep: "Sweep", folder: Path) -> dict[str, Path]:
    """Writes the report's files into `folder`, each whole or not at all, and returns them by what they are.

    Raises:
        MissingPart: matplotlib is not installed.
        ImpastoError: a file cannot be written, or a painting cannot be read.
    """
    curve = curve_of(sweep)
    contents = {
        "curve": draw_curve(curve),
        "table": _csv(sweep).encode(),
        "numbers": json.dumps(sweep_as_dict(sweep), ensure_ascii=False, indent=1).encode(),
        "markdown": markdown(sweep, curve).encode(),
        "sheet": _sheet(sweep, curve),
    }
    files = {}
    for what, data in contents.items():
        files[what] = folder / _NAMES[what]
        try:
            write_atomically(files[what], data)
        except OSError as error:
            raise ImpastoError(f"{files[what]} cannot be written: {error.strerror}") from None
    return files


def curve_of(sweep: "Sweep") -> Curve:
    """Returns the measures by value."""
    names = list(sweep.points[0].measures)
    numbers = tuple(point.number for point in sweep.points if point.number is not None)
    each = len(sweep.points[0].files)
    seeds = "1 seed" if len(sweep.seeds) == 1 else f"{len(sweep.seeds)} seeds"
    prompts = "1 prompt" if len(sweep.prompts) == 1 else f"{len(sweep.prompts)} prompts"
    found = sweep.evaluation
    return Curve(
        sweep.axis,
        tuple(point.value for point in sweep.points),
        numbers if len(numbers) == len(sweep.points) else None,
        {name: [point.measures[name] for point in sweep.points] for name in names},
        f"{sweep.axis}: {prompts} x {seeds} = {each} paintings at each value, against {found.real_pictures} real pictures"
        f" ({Path(found.against).name}{f', by {sweep.real_artist}' if sweep.real_artist else ''})",
        f"{_settings(sweep)}; features of {found.extractor}; bands: {found.level:.0%} bootstrap intervals; ring: the best,"
        " grey where that is within chance",
        found.is_fid,
    )


def sweep_as_dict(sweep: "Sweep") -> dict[str, object]:
    """Returns the sweep's numbers as JSON types, without paths of this machine."""
    found = sweep.evaluation
    return {
        "axis": sweep.axis,
        "prompts": list(sweep.prompts),
        "seeds": list(sweep.seeds),
        "settings": dict(sweep.settings),
        "against": {
            "folder": Path(found.against).name,
            "pictures": found.real_pictures,
            "artist": sweep.real_artist,
        },
        "features": {"name": found.extractor, "identity": found.identity, "width": found.width, "fid": found.is_fid},
        "level": found.level,
        "points": [
            {
                "value": point.value if point.number is None else point.number,
                "paintings": len(point.files),
                "measures": {name: asdict(measured) for name, measured in point.measures.items()},
            }
            for point in sweep.points
        ],
        "notes": [_without_paths(note, sweep) for note in found.notes],
    }


def _without_paths(note: str, sweep: "Sweep") -> str:
    """A note with the names of folders in place of their paths."""
    for folder in (*(point.folder for point in sweep.points), Path(sweep.evaluation.against)):
        note = note.replace(str(folder), folder.name)
    return note


def table_rows(curve: Curve, *, bold: bool = False) -> list[list[str]]:
    """Returns the header, and a row for each value: the measures that have a value anywhere, with their intervals."""
    names = [name for name, found in curve.measures.items() if any(isinstance(one, Estimate) for one in found)]
    rows = [[curve.axis, *(label(name, is_fid=curve.is_fid) for name in names)]]
    for place, value in enumerate(curve.values):
        cells = [_cell(curve.measures[name][place], bold=bold and curve.best(name) == place) for name in names]
        rows.append([value, *cells])
    return rows


def markdown(sweep: "Sweep", curve: Curve) -> str:
    """Returns the table in Markdown: a row for each value, a column for each measure, with intervals."""
    head, *rows = table_rows(curve, bold=True)
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)]
    names = [name for name, found in curve.measures.items() if any(isinstance(one, Estimate) for one in found)]
    told = [f"{curve.title}. {curve.legend}.", "The best value of a measure is bold."]
    chance = [label(name, is_fid=curve.is_fid) for name in names if curve.is_within_chance(name)]
    if chance:
        told.append(f"Within chance, since all intervals overlap that of the best value: {', '.join(chance)}.")
    refused = {
        name: one.reason for name, found in curve.measures.items() for one in found if isinstance(one, Refused)
    }  # the same reason at all values
    told += [f"{label(name, is_fid=curve.is_fid)}: not given: {reason}." for name, reason in refused.items()]
    prompts = [f"- {prompt}" for prompt in sweep.prompts]
    title = f"# {sweep.axis} from {curve.values[0]} to {curve.values[-1]}"
    picture, sheet = f"![the curve]({_NAMES['curve']})", f"![paintings at each value]({_NAMES['sheet']})"
    return "\n\n".join([title, picture, "\n".join(lines), *told, "Prompts:", "\n".join(prompts), sheet]) + "\n"


def _settings(sweep: "Sweep") -> str:
    words = []
    for name, value in sweep.settings.items():
        number = f"{value:g}" if isinstance(value, float) else str(value)
        words.append(number if name == "sampler" else f"{name} {number}")
    return ", ".join(words)


def _cell(measured: Measured, *, bold: bool) -> str:
    if isinstance(measured, Refused):
        return "-"
    value = f"**{measured.value:.4g}**" if bold else f"{measured.value:.4g}"
    return value if measured.low is None else f"{value} [{measured.low:.4g}, {measured.high:.4g}]"


def _csv(sweep: "Sweep") -> str:
    """A row for each value and measure: value, low, high, number of paintings, and the note or the reason for no value."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([sweep.axis, "measure", "value", "low", "high", "pictures", "note"])
    for point in sweep.points:
        for name, one in point.measures.items():
            if isinstance(one, Refused):
                rows.writerow([point.value, name, "", "", "", "", one.reason])
            else:
                ends = ["" if end is None else repr(end) for end in (one.low, one.high)]
                rows.writerow([point.value, name, repr(one.value), *ends, one.pictures, one.note])
    return text.getvalue()


def _sheet(sweep: "Sweep", curve: Curve) -> bytes:
    """The first seed of the prompts, a row each with the prompt under it, along the axis."""
    from impasto.painting.sheets.layout import draw_sheet

    shown = sweep.prompts[:_SHOWN_PROMPTS]
    seeds = len(sweep.seeds)
    rows = [[point.files[number * seeds] for point in sweep.points] for number in range(len(shown))]
    titles = [f"{sweep.axis} {value}" for value in curve.values]
    data = io.BytesIO()
    draw_sheet(rows, column_titles=titles, row_captions=shown, cell=_CELL).save(data, "PNG", optimize=True)
    return data.getvalue()

"""Writes a reproduction's report as files: Markdown, one HTML page with embedded pictures, CSV and JSON."""

import base64
import csv
import io
import json
from html import escape
from pathlib import Path

from PIL import Image

from impasto.errors import ImpastoError
from impasto.evaluation.memorization.page_style import STYLE
from impasto.files import write_atomically
from impasto.reproduction.report import Figure, Report, Section, Table

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_QUALITY = 85
REPORT_FOLDER = "report"  # subfolder of a reproduction with the files that can be published
_OWN_STYLE = """
figure { width: auto; margin: 1rem 0; }
figure img { max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
td { font-variant-numeric: tabular-nums; }
tbody tr { border-top: 1px solid var(--line); }
"""


def write_report(report: Report, folder: Path) -> list[Path]:
    """Writes `report.md`, `report.html` and `table.csv` beside the figures, which are already in `folder`.

    Raises:
        ImpastoError: a figure is missing, or a file cannot be written.
    """
    files = {
        "report.md": markdown(report).encode(),
        "table.csv": comma_separated(report).encode(),
        "report.html": page(report, folder),
    }
    try:
        for name, content in files.items():
            write_atomically(folder / name, content)
    except OSError as error:
        raise ImpastoError(f"{folder} cannot be written: {error.strerror}") from None
    return [folder / name for name in files]


def comma_separated(report: Report) -> str:
    """Returns the CSV text: a header and one line for every measured value."""
    text = io.StringIO()
    rows = [value.as_dict() for value in report.values]
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["of"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def markdown(report: Report) -> str:
    """Returns the report as Markdown, for a repository's docs; it links to the figure files beside it."""
    parts = [f"# {report.title}", report.summary]
    for section in report.sections:
        parts.append(f"## {section.title}")
        parts += section.paragraphs
        if section.points:
            parts.append("\n".join(f"- {point}" for point in section.points))
        for table in section.tables:
            rows = [table.header, ("---",) * len(table.header), *table.rows]
            parts.append("\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows))
            parts += [table.note] if table.note else []
        parts += [f"![{figure.caption.replace(']', ')')}]({figure.file})\n\n{figure.caption}" for figure in section.figures]
    return "\n\n".join(parts) + "\n"


def page(report: Report, folder: Path) -> bytes:
    """Returns the report as one HTML page, UTF-8, without scripts or network access; all figures are embedded.

    Raises:
        ImpastoError: a figure cannot be read.
    """
    lines = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{escape(report.title)}</title><style>{STYLE}{_OWN_STYLE}</style></head><body>",
        f"<header><h1>{escape(report.title)}</h1><p>{escape(report.summary)}</p></header><main>",
        *(_section(number, section, folder) for number, section in enumerate(report.sections, 1)),
        "</main></body></html>",
    ]
    return "\n".join(lines).encode("utf-8", "replace")


def _section(number: int, section: Section, folder: Path) -> str:
    parts = [f'<section aria-labelledby="section-{number}"><h2 id="section-{number}">{escape(section.title)}</h2>']
    parts += [f"<p>{escape(text)}</p>" for text in section.paragraphs]
    if section.points:
        parts.append(f"<ul>{''.join(f'<li>{escape(point)}</li>' for point in section.points)}</ul>")
    parts += [_table(table) for table in section.tables]
    parts += [_figure(figure, folder) for figure in section.figures]
    return "\n".join([*parts, "</section>"])


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.header)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in table.rows
    )
    note = f"<p>{escape(table.note)}</p>" if table.note else ""
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}'


def _figure(figure: Figure, folder: Path) -> str:
    buffer = io.BytesIO()
    try:
        with Image.open(folder / figure.file) as sheet:
            if max(sheet.size) > 16383:  # a WebP's largest side
                sheet.thumbnail((16383, 16383))
            sheet.convert("RGB").save(buffer, "WEBP", quality=_QUALITY)
    except OSError as error:
        raise ImpastoError(f"{folder / figure.file} cannot be read: {error.strerror or 'it is no whole picture'}") from None
    shown = f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    caption, alt = escape(figure.caption), escape(figure.caption, quote=True)
    return f'<figure><img src="{shown}" alt="{alt}"><figcaption>{caption}</figcaption></figure>'


def write_numbers(report: Report, path: Path) -> None:
    """Writes `report.json` with all numbers, after everything else is on disk.

    Raises:
        ImpastoError: the file cannot be written.
    """
    try:
        write_atomically(path, json.dumps(report.as_dict(), ensure_ascii=False, indent=1).encode())
    except OSError as error:
        raise ImpastoError(f"{path} cannot be written: {error.strerror}") from None

"""The record inside a sheet's file: the provenance of every painting on it, from which each can be painted again."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from impasto.errors import UsageError
from impasto.painting.foreign.record import RecordError, parse_object
from impasto.painting.provenance.record import Provenance, checked_fields, is_plain

_FORMAT = 1
_SOURCE = "its record of a sheet"
# The reader rejects longer records, so they must not be written.
_LONGEST = 4 << 20
MOST_CELLS = 10_000


@dataclass(frozen=True)
class SheetAxis:
    """The setting that varies over the rows or the columns: its name ("artist"; "" if none varies) and the titles."""

    name: str
    titles: tuple[str, ...]


@dataclass(frozen=True)
class SheetRecord:
    """The record of a sheet: its two axes and the record of each cell. The axes have one title for each row and column."""

    rows: SheetAxis
    columns: SheetAxis
    cells: tuple[tuple[Provenance, ...], ...]

    def cell(self, row: int, column: int) -> Provenance:
        """Returns the record of one cell, counted from 1.

        Raises:
            UsageError: the sheet has no such cell.
        """
        if not (1 <= row <= len(self.rows.titles) and 1 <= column <= len(self.columns.titles)):
            size = f"{len(self.rows.titles)} rows and {len(self.columns.titles)} columns"
            raise UsageError(f"there is no cell {row},{column} in a sheet of {size}")
        return self.cells[row - 1][column - 1]

    def shared(self) -> dict[str, Any]:
        """Returns the fields of a painting's record that have the same value in all cells."""
        first, *others = [asdict(cell) for row in self.cells for cell in row]
        return {name: value for name, value in first.items() if all(cell[name] == value for cell in others)}

    def to_json(self) -> str:
        """Returns the JSON to embed: plain ASCII, with the fields that all cells share stored once.

        Raises:
            UsageError: the JSON would be too long to be read again.
        """
        shared = self.shared()
        cells = [[{k: v for k, v in asdict(cell).items() if k not in shared} for cell in row] for row in self.cells]
        axes = {"rows": asdict(self.rows), "columns": asdict(self.columns)}
        text = json.dumps({"format": _FORMAT, **axes, "shared": shared, "cells": cells}, allow_nan=False)
        if len(text) > _LONGEST:
            raise UsageError(
                f"the records of {len(cells) * len(cells[0])} cells with texts as long as these do not fit into one sheet:"
                " make several"
            )
        return text

    @classmethod
    def from_json(cls, text: str) -> "SheetRecord":
        """Parses the output of `to_json`. The text is untrusted input: every field is checked.

        Raises:
            RecordError: the text is not a valid record of a sheet.
        """
        values = parse_object(text, _SOURCE)
        rows, columns = _axis(values.get("rows")), _axis(values.get("columns"))
        if len(rows.titles) * len(columns.titles) > MOST_CELLS:
            raise RecordError(f"{_SOURCE} tells of more than {MOST_CELLS} cells")
        shared, cells = values.get("shared"), _table(values.get("cells"), len(rows.titles), len(columns.titles))
        if not isinstance(shared, dict):
            raise RecordError(f"{_SOURCE} does not tell of each cell")
        # The shared fields are checked once, for any number of cells.
        first = Provenance(**checked_fields(shared | cells[0][0], Provenance.__dataclass_fields__))
        own = cells[0][0].keys()
        return cls(rows, columns, tuple(tuple(replace(first, **checked_fields(cell, own)) for cell in row) for row in cells))


def _axis(values: Any) -> SheetAxis:
    values = values if isinstance(values, dict) else {}
    name, titles = values.get("name"), values.get("titles")
    if not isinstance(titles, list) or not titles or not all(isinstance(t, str) and is_plain(t) for t in [name, *titles]):
        raise RecordError(f"{_SOURCE} has no valid axes")
    return SheetAxis(str(name), tuple(titles))


def _table(cells: Any, rows: int, columns: int) -> list[list[dict[str, Any]]]:
    """Returns the cells if they are `rows` x `columns` objects with the same fields; raises RecordError otherwise."""
    if not isinstance(cells, list) or [len(row) if isinstance(row, list) else -1 for row in cells] != [columns] * rows:
        raise RecordError(f"{_SOURCE} does not tell of each cell")
    first, flat = cells[0][0], [cell for row in cells for cell in row]
    if not isinstance(first, dict) or not all(isinstance(cell, dict) and cell.keys() == first.keys() for cell in flat):
        raise RecordError(f"{_SOURCE} does not tell the same of each cell")
    return cells

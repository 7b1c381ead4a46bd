"""Paints a series, and draws its sheet."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError, StoppedError
from impasto.jobs.context import Context
from impasto.jobs.painting.best_of import BestOfPainting
from impasto.jobs.painting.checks.safety import PaintingSafety
from impasto.jobs.painting.copy_avoidance import CopyAvoidance
from impasto.jobs.painting.grid_sheet import check_sheet_place
from impasto.jobs.painting.output import Output
from impasto.jobs.painting.paint_files import PaintedFile, paint_files
from impasto.jobs.painting.series.options import NO_SHEET
from impasto.jobs.painting.series.plan import Series
from impasto.jobs.painting.series.sheet import SeriesSheet
from impasto.jobs.painting.setup import PaintingSetup
from impasto.painting.file_names import slug

if TYPE_CHECKING:
    from impasto.painting.provenance.record import Provenance


class PaintedSeries(list[PaintedFile]):
    """The paintings of a series: text by text, within a text artist by artist, then by seed; after each one the others of
    `best_of`, if they are kept.

    Attributes:
        series: the plan: its texts, artists and requests.
        sheet: the file of the sheet; None if none was drawn.
    """

    def __init__(self, files: Sequence[PaintedFile], series: Series, sheet: Path | None) -> None:
        super().__init__(files)
        self.series, self.sheet = series, sheet


@dataclass(frozen=True)
class Keeping:
    """What decides which paintings are kept, and how; all are None for all as they are."""

    avoidance: CopyAvoidance | None = None
    choosing: BestOfPainting | None = None
    safety: PaintingSafety | None = None


def paint_series(
    series: Series,
    out: Path,
    setup: PaintingSetup,
    context: Context,
    *,
    sheet: str = "",
    overwrite: bool = False,
    batch: int = 1,
    preview_every: int = 0,
    keeping: Callable[[], Keeping] = Keeping,
) -> PaintedSeries:
    """Paints a series into numbered files, and draws its sheet.

    Args:
        series: what to paint.
        out: a folder, or one FILE.png for a series of one painting, which gets no sheet.
        setup: the checkpoint and adapters.
        context: the job's context.
        sheet: the sheet's file; "" for one beside the paintings, "none" for none.
        overwrite: whether one FILE.png may be replaced.
        batch: number of pictures at once. 1: each is painted alone, and can be painted again exactly.
        preview_every: number of steps between two previews; 0 for never.
        keeping: loads what decides which paintings are kept.

    Raises:
        StoppedError: the job was stopped; finished pictures are kept, and no sheet is drawn.
        UsageError, MissingPart, ImpastoError: the same as `paint_files`; the sheet cannot be written.
    """
    started = time.monotonic()
    output = Output.at(out, slug(series.prompt), len(series.requests), overwrite)
    output = replace(output, stem_of=series.stem)
    drawing = None
    if sheet != NO_SHEET and (sheet or output.file is None):
        drawing = SeriesSheet(series)
        if sheet:
            check_sheet_place(Path(sheet), overwrite=False, option="--sheet")
        drawing.check(Path(sheet or "sheet.png"))
    kept = keeping()
    try:
        files = paint_files(
            series.requests, output, setup, context, batch=batch, preview_every=preview_every, avoidance=kept.avoidance,
            choosing=kept.choosing, safety=kept.safety,
        )  # fmt: skip
    except StoppedError as error:
        raise StoppedError(f"{error}; the sheet is not drawn" if drawing is not None else str(error)) from None
    except ImpastoError as error:
        if drawing is None or kept.avoidance is None or type(error) is not ImpastoError:
            raise
        raise ImpastoError(f"{error}; there is no sheet, which would lack them") from None
    files = _in_order(files, series)
    if drawing is None:
        return PaintedSeries(files, series, None)
    file = Path(sheet) if sheet else output.free_path("-series")
    record = drawing.save([one for one in files if one.beside is None], file)
    rows, columns = list(record.rows.titles), list(record.columns.titles)
    context.picture_done(file, time.monotonic() - started, rows=rows, columns=columns)
    return PaintedSeries(files, series, file)


def _in_order(files: Sequence[PaintedFile], series: Series) -> list[PaintedFile]:
    """Returns the files in the order of the requests; pictures that are painted again as copies are finished later."""
    places = {
        (0 if one.extension is None else one.extension.rank, one.condition.artist, one.seed): place
        for place, one in enumerate(series.requests)
    }
    last, keys = 0, {}
    for number, one in enumerate(files):
        record = one.provenance
        if one.beside is None:
            rank = 0 if record.extension is None else record.extension.rank
            last = places[rank, str(record.condition.get("artist") or ""), _first_seed(record)]
        keys[number] = last, number
    return [files[number] for number in sorted(keys, key=lambda number: keys[number])]


def _first_seed(record: "Provenance") -> int:
    """The seed of the request from which a painting was made, before other seeds took its place."""
    if record.best_of is not None:
        return record.best_of.tried[0].seed
    if record.copy_check is not None and record.copy_check.refused_seeds:
        return record.copy_check.refused_seeds[0]
    return record.seed

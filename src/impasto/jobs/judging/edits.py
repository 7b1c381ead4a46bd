"""The job `evaluate-edits`: measures a folder of edited pictures as the survey's tables do, and writes a report."""

import csv
import io
import json
import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.files import write_atomically
from impasto.jobs.base import Job
from impasto.jobs.context import Context

if TYPE_CHECKING:
    from impasto.evaluation.edits import EditedPicture, MethodFigures, PictureFigures
    from impasto.painting.editing.edit import Edit
    from impasto.painting.provenance.record import Provenance
    from impasto.painting.request import PaintRequest

REPORT, ROWS = "edits.json", "edits.csv"


@dataclass(frozen=True)
class Timed:
    """Seconds that painting again took: of one result alone, of a whole batch at once, and the batch's size."""

    single: float
    whole: float
    size: int

    @property
    def each(self) -> float:
        """Seconds a picture in the batch."""
        return self.whole / self.size


@dataclass(frozen=True)
class EditsEvaluation:
    """The result: figures of each picture and of each method, its seconds if they were measured, and the report's files."""

    folder: Path
    scorer: str
    pictures: "list[PictureFigures]"
    methods: "list[MethodFigures]"
    times: dict[str, Timed]
    report: Path
    rows: Path


@dataclass(frozen=True)
class _Found:
    file: Path
    record: "Provenance"
    edit: "Edit | None"
    picture: "EditedPicture"


class EvaluateEditsJob(Job):
    """Measures edited pictures: precision, diversity, seconds, directional similarity, background distance.

    Attributes:
        folder: PNG files by `inpaint`, `outpaint`, `edit`, `paint --from` or `paint --swap`, with their records.
        scorer: what compares with texts: pocket, or CLIP's folder; None for pocket.
        source: the folder of the pictures that were edited, if they are not beside the results or where they were.
        describe: what these show, where their own records do not say it.
        timed: whether one batch of each method is painted again, alone and at once, and its seconds are measured.
        out: the folder of the report; None for `folder`.
    """

    kind: ClassVar[str] = "evaluate-edits"

    folder: Path
    scorer: str | None = None
    source: Path | None = None
    describe: str = ""
    timed: bool = True
    out: Path | None = None
    device: str = "auto"

    def run(self, context: Context) -> EditsEvaluation:
        """Measures the results, and writes `edits.json` and `edits.csv`.

        Raises:
            UsageError, MissingPart, ImpastoError: there is no such folder, no edited picture, or no such scorer.
            StoppedError: the job was stopped.
        """
        from impasto.evaluation.edits import measure_edits
        from impasto.vision.features.efficientnet import ImageFeatures
        from impasto.vision.scorers.interface import check_scorer, load_scorer

        if not self.folder.is_dir():
            raise UsageError(f"{self.folder}: there is no such folder")
        check_scorer(self.scorer)
        try:
            found = self._found(context)
            if not found:
                raise ImpastoError(f"{self.folder} holds no edited picture with its record: edit some into it first")
            scorer = load_scorer(self.scorer)
            context.progress("looking at pictures", 0.0)
            figures, methods = measure_edits([one.picture for one in found], scorer, ImageFeatures())
            times = self._times(found, context) if self.timed else {}
        except KeyboardInterrupt:
            raise StoppedError("stopped: nothing was written") from None
        report = self._write(scorer.name, figures, methods, times)
        return report

    def _found(self, context: Context) -> list[_Found]:
        from impasto.painting.provenance.record import Provenance, read_provenance

        records: dict[Path, Provenance] = {}
        for file in sorted(self.folder.rglob("*.png")):
            try:
                record = read_provenance(file)
            except ImpastoError:
                continue
            if isinstance(record, Provenance):
                records[file] = record
        found = []
        for file, record in records.items():
            if record.edit is None and record.words is None:
                continue
            try:
                found.append(self._read(file, record, records))
            except ImpastoError as error:
                context.note(f"{file.name} is left out: {error}")
        return found

    def _read(self, file: Path, record: "Provenance", records: "dict[Path, Provenance]") -> _Found:
        from PIL import Image

        from impasto.evaluation.edits import EditedPicture
        from impasto.jobs.editing.recorded import recorded_edit
        from impasto.painting.editing.source import open_source

        with Image.open(file) as opened:
            image = opened.convert("RGB")
        edit, source, mask, text = None, None, None, self.describe
        if record.edit is not None:
            edit = recorded_edit(record.edit, file, self.source)
            source, mask = _before(edit, image.size)
            text = _shown(edit) or text
        if record.words is not None:
            text = record.words.source
            if source is None:
                wanted = (text, record.seed, record.checkpoint_hash)
                plain = ((other, one) for other, one in records.items() if one.words is None and one.edit is None)
                same = (other for other, one in plain if (one.text, one.seed, one.checkpoint_hash) == wanted)
                before = next(same, None)
                source = None if before is None else open_source(before).image
        if source is not None and source.size != image.size:
            source = None
        batch = json.dumps([record.text, None if record.edit is None else asdict(record.edit),
                            None if record.words is None else asdict(record.words)], sort_keys=True)  # fmt: skip
        picture = EditedPicture(
            file.relative_to(self.folder).as_posix(), _method(record), batch, record.text, image, text, source, mask
        )
        return _Found(file, record, edit, picture)

    def _times(self, found: list[_Found], context: Context) -> dict[str, Timed]:
        """Paints the first batch of each method again, once a single picture and once at once."""
        times = {}
        for method in dict.fromkeys(one.picture.method for one in found):
            those = [one for one in found if one.picture.method == method]
            batch = [one for one in those if one.picture.batch == those[0].picture.batch]
            context.progress(f"timing {method}", 0.5)
            try:
                times[method] = self._timed(batch, context)
            except ImpastoError as error:
                context.note(f"{method} is not timed: {error}")
        return times

    def _timed(self, batch: list[_Found], context: Context) -> Timed:
        from impasto.jobs.editing.controls import recorded_controls
        from impasto.jobs.editing.guides import recorded_guides
        from impasto.jobs.painting.adapters import Adapters
        from impasto.jobs.painting.recorded_engine import recorded_engine
        from impasto.jobs.painting.repaint import recorded_request
        from impasto.jobs.painting.setup import PaintingSetup

        first = batch[0].record
        engine, precision = recorded_engine(first, "auto", self.device, "auto", context.note)
        adapters = Adapters.recorded(first, None, None, context.note)
        setup = PaintingSetup.check(first.checkpoint, self.device, precision, adapters, engine)
        requests: list[PaintRequest] = []
        for one in batch:
            request = recorded_request(one.record, context.note, one.edit)
            controls = recorded_controls(one.record.controls, one.file, self.source)
            requests.append(replace(request, controls=controls, guides=recorded_guides(one.record.guides)))
        painter = setup.painter(requests, context)
        seconds = []
        list(painter.paint_many(requests[:1], on_note=_silent))  # what is loaded once is not counted
        for those in (requests[:1], requests):
            started = time.monotonic()
            for _ in painter.paint_many(those, batch_size=len(those), on_note=_silent):
                pass
            seconds.append(time.monotonic() - started)
        return Timed(seconds[0], seconds[1], len(requests))

    def _write(
        self, scorer: str, figures: "list[PictureFigures]", methods: "list[MethodFigures]", times: dict[str, Timed]
    ) -> EditsEvaluation:
        out = self.out or self.folder
        out.mkdir(parents=True, exist_ok=True)
        batches = {batch: number for number, batch in enumerate(dict.fromkeys(one.batch for one in figures), start=1)}
        pictures = [{**asdict(one), "batch": batches[one.batch]} for one in figures]
        text = io.StringIO()
        rows = csv.DictWriter(text, list(pictures[0]), lineterminator="\n")
        rows.writeheader()
        rows.writerows(pictures)
        whole = {"folder": self.folder.name, "scorer": scorer, "methods": report_rows(methods, times), "pictures": pictures}
        write_atomically(out / ROWS, text.getvalue().encode())
        write_atomically(out / REPORT, json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False).encode())
        return EditsEvaluation(self.folder, scorer, figures, methods, times, out / REPORT, out / ROWS)


def report_rows(methods: "list[MethodFigures]", times: dict[str, Timed]) -> list[dict[str, Any]]:
    """Returns the figures of each method by name, with the seconds; an infinite PSNR is None."""
    rows = []
    for one in methods:
        took, psnr = times.get(one.method), one.psnr
        seconds = {"single": took.single, "batch": took.whole, "batch_size": took.size, "each": took.each} if took else None
        exact = psnr is not None and math.isinf(psnr)
        rows.append({**asdict(one), "psnr": None if exact else psnr, "is_exact": exact, "seconds": seconds})
    return rows


def _method(record: "Provenance") -> str:
    """Returns how a picture was edited, in the words of the command."""
    edit, words = record.edit, record.words
    if words is not None:
        how = f", inverted by {words.inversion}" if words.inversion else ""
        return f"words, cross {words.cross:g}, self {words.itself:g}{how}"
    assert edit is not None
    told = [edit.kind]
    if edit.masked is not None:
        background = edit.masked.background.method
        told[0] += f" {edit.masked.method}"
        told += [f"background {background}"] if background != "paste" else []
        told += ["outside by the model"] if edit.masked.outside == "model" else []
    told.append(f"strength {edit.strength:g}")
    return ", ".join([*told, *(f"{guide.kind} {guide.weight:g}" for guide in record.guides or ())])


def _before(edit: "Edit", size: tuple[int, int]) -> tuple[Any, Any]:
    """Returns the picture before in the size of the result, and the mask; of an outpainting, the mask of its new sides."""
    import numpy as np
    from PIL import Image

    if edit.sides is not None:
        left, top, _, _ = edit.sides
        width, height = edit.source.size
        canvas, mask = Image.new("RGB", size), np.ones((size[1], size[0]), np.float32)
        canvas.paste(edit.source.image, (left, top))
        mask[top : top + height, left : left + width] = 0
        return canvas, mask
    return edit.picture(*size), None if edit.mask is None else edit.mask.levels(soft=edit.is_soft)


def _shown(edit: "Edit") -> str:
    """Returns the text of the picture before, if it is a painting of ours that is still there."""
    from impasto.painting.provenance.record import Provenance, read_provenance

    try:
        record = read_provenance(Path(edit.source.note.path).expanduser())
    except ImpastoError:
        return ""
    return record.text if isinstance(record, Provenance) else ""


def _silent(note: str) -> None:
    del note

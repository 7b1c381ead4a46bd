"""The job `sweep`: paints prompts along one setting, such as guidance, and measures each value against real paintings."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.jobs.context import Context
from impasto.jobs.disk import check_writable
from impasto.jobs.judging.evaluate import USUAL_FEATURES, check_measures
from impasto.jobs.judging.folders import Question, evaluate_folders
from impasto.jobs.judging.sweep_axis import SweepAxis
from impasto.jobs.painting.grid_axes import Axis, cross, read_lines
from impasto.jobs.painting.grid_cells import SEED, Cell, missing_cells, paint_cells, plan_cells
from impasto.jobs.painting.paint import check_batch
from impasto.jobs.painting.picture import Picture, PictureJob

if TYPE_CHECKING:
    from impasto.evaluation.estimate import Measured
    from impasto.jobs.judging.folders import Evaluation

MOST_PAINTINGS = 100_000
USUAL_COUNT = 8
PAINTINGS = "paintings"  # the folder of the paintings, in which each value has a folder


@dataclass(frozen=True)
class SweepPoint:
    """One value of the axis.

    Attributes:
        value: in words.
        number: as a number; None for a name.
        folder: of its paintings.
        files: its paintings, prompt by prompt, then by seed.
        measures: name -> the measured value, or why there is none.
    """

    value: str
    number: float | None
    folder: Path
    files: tuple[Path, ...]
    measures: "dict[str, Measured]"


@dataclass(frozen=True)
class Sweep:
    """A finished sweep.

    Attributes:
        axis: the name of the setting.
        points: the values, numbers in rising order.
        prompts: the prompts, as they were typed.
        seeds: the seeds of each prompt at each value.
        evaluation: what all points share: the real pictures, the features, the notes.
        real_artist: the artist whose real pictures were compared with; None for all of the folder.
        settings: the settings of a painting that all points share, by name.
        files: the report: "curve" (PNG), "table" (CSV), "numbers" (JSON), "markdown", "sheet" (PNG).
        painted, kept: the numbers of paintings that were painted now, and that existed before.
        seconds: seconds that the job took.
    """

    axis: str
    points: tuple[SweepPoint, ...]
    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    evaluation: "Evaluation"
    real_artist: str | None
    settings: Mapping[str, object]
    files: Mapping[str, Path]
    painted: int
    kept: int
    seconds: float


class SweepJob(PictureJob):
    """Paints prompts at several values of one setting and measures the paintings of each value against real paintings.

    All values have the same prompts and seeds, so that only the setting differs. The picture's own fields apply to all
    paintings; the default seed is 1. Painted pictures are kept: after a stop, or with more values, the same job paints only
    what is missing.

    Attributes:
        sweep: "AXIS=VALUES", such as "guidance=1.5:8"; see `SweepAxis.parse`.
        real: a folder of real paintings, with or without metadata. With an `artist` of whom it holds works, only these.
        prompts: what is painted, in place of `prompt`; "@FILE" stands for a file's prompts, one per line.
        count: number of paintings of each prompt at each value, with the seeds `seed`, `seed` + 1, ...
        out: the folder of the paintings and the report.
        batch: number of pictures that are painted at once; None for as many as fit.
        features, weights, measures, held_out, scorer, allow_few: see `EvaluateJob`.
    """

    kind: ClassVar[str] = "sweep"

    sweep: str
    real: Path
    prompts: tuple[str, ...] = ()
    count: int = USUAL_COUNT
    out: Path = Path("sweep")
    batch: int | None = None
    features: str = USUAL_FEATURES
    weights: Path | None = None
    measures: tuple[str, ...] | None = None
    held_out: bool = False
    scorer: str | None = None
    allow_few: bool = False

    @model_validator(mode="after")
    def _check(self) -> "SweepJob":
        SweepAxis.parse(self.sweep) if "@" not in self.sweep else None  # a file of values is read when the job runs
        check_batch(self.batch)
        check_measures(self.measures)
        if self.count < 1:
            raise UsageError(f"count {self.count}: use 1 or more")
        if self.prompts and self.prompt.strip():
            raise UsageError("prompt and prompts are both given: name all of them in prompts")
        if not any(prompt.strip() for prompt in (*self.prompts, self.prompt)):
            raise UsageError("a sweep paints prompts: give --prompts FILE, with one a line")
        return self

    @property
    def is_whole(self) -> bool:
        """False, see `PictureJob.is_whole`: the paintings are checked one by one, before the first one is painted."""
        return False

    def run(self, context: Context) -> Sweep:
        """Paints what is missing, measures, and writes the report.

        Raises:
            UsageError, MissingPart, ImpastoError: a value is invalid; the jobs `paint` or `evaluate` would raise it; a file
                cannot be read or written.
            StoppedError: the job was stopped; paintings are kept.
        """
        from impasto.jobs.judging.sweep_report import write_sweep

        started = time.monotonic()
        axis = SweepAxis.parse(self.sweep)
        if not self.real.is_dir():
            raise UsageError(f"{self.real}: there is no such folder of real paintings")
        prompts = tuple(dict.fromkeys(self._typed_prompts()))
        seeds = tuple((SEED if self.seed is None else self.seed) + number for number in range(self.count))
        total = len(axis.values) * len(prompts) * len(seeds)
        if total > MOST_PAINTINGS:
            raise UsageError(f"{total:,} paintings: use at most {MOST_PAINTINGS:,}; fewer values, prompts or --count")
        if len(prompts) * len(seeds) < 2:
            raise UsageError("one painting at each value measures nothing: give more prompts, or a larger --count")
        check_writable(self.out)
        cells = self._plan(axis, prompts, seeds, context)
        painted = self._paint(cells, context)
        real_artist = self._real_artist(cells, context)
        found = self._measure(cells, real_artist, context)
        points = tuple(
            SweepPoint(value, None if axis.numbers is None else axis.numbers[place], row[0].file.parent,
                       tuple(cell.file for cell in row), found.judged[place].measures)
            for place, (value, row) in enumerate(zip(axis.values, cells, strict=True))
        )  # fmt: skip
        files = len({cell.file for row in cells for cell in row})
        settings = _shared_settings(cells, axis.axis.name)
        context.progress("drawing the curve", 1.0)
        seconds = time.monotonic() - started
        whole = Sweep(axis.name, points, prompts, seeds, found, real_artist, settings, {}, painted, files - painted, seconds)
        return replaced(whole, files=write_sweep(whole, self.out))

    def _typed_prompts(self) -> list[str]:
        """The prompts, with those of files.

        Raises:
            UsageError, ImpastoError: a file is empty or cannot be read.
        """
        typed: list[str] = []
        for prompt in self.prompts or (self.prompt,):
            typed += read_lines(Path(prompt[1:]), "prompt") if prompt.startswith("@") else [prompt.strip()]
        return [prompt for prompt in typed if prompt]

    def _plan(self, axis: SweepAxis, prompts: Sequence[str], seeds: Sequence[int], context: Context) -> list[list[Cell]]:
        """Plans the paintings of each value, with files in a folder of the value."""
        shared = Picture(**{name: getattr(self, name) for name in Picture.model_fields})
        whole = [shared.model_copy(update={"prompt": prompt, "seed": seed}) for prompt in prompts for seed in seeds]
        by_picture = [[one for (one,) in cross(axis.axis, Axis(), picture)] for picture in whole]
        pictures = [list(row) for row in zip(*by_picture, strict=True)]
        folder = self.out / PAINTINGS
        rows = plan_cells(pictures, folder, context)
        names = folder_names(axis)
        return [
            [replaced(cell, file=folder / name / cell.file.name) for cell in row]
            for name, row in zip(names, rows, strict=True)
        ]

    def _paint(self, cells: Sequence[Sequence[Cell]], context: Context) -> int:
        missing, painted = missing_cells(cells), 0
        try:
            context.progress("loading", 0.0)
            for cell in missing:
                cell.file.parent.mkdir(parents=True, exist_ok=True)
            for _ in paint_cells(missing, batch=self.batch, context=context):
                painted += 1
        except OSError as error:
            raise ImpastoError(f"{self.out} cannot be written: {error.strerror}") from None
        except KeyboardInterrupt:
            of = len({cell.file for row in cells for cell in row})
            kept = of - len(missing) + painted
            where = self.out / PAINTINGS
            raise StoppedError(f"stopped: {kept} of {of} paintings are painted and kept in {where}") from None
        return painted

    def _measure(self, cells: Sequence[Sequence[Cell]], real_artist: str | None, context: Context) -> "Evaluation":
        from impasto.evaluation.estimate import Refused
        from impasto.evaluation.features import INCEPTION
        from impasto.evaluation.judgement import MEASURES, Judging

        usual = tuple(one for one in MEASURES if one != "inception-score" or self.features == INCEPTION)
        chosen = usual if self.measures is None else tuple(dict.fromkeys(self.measures))
        only = {row[0].file.parent: frozenset(cell.file.name for cell in row) for row in cells}
        question = Question(
            list(only), self.real, self.features, self.weights, real_artist, self.held_out, None,
            self.scorer, self.device, only,
        )  # fmt: skip
        try:
            found = evaluate_folders(question, Judging(chosen, self.allow_few, self.seed or 0), context.progress)
        except KeyboardInterrupt:
            raise StoppedError("stopped: run the same command again; the paintings are kept") from None
        for note in found.notes:
            context.note(note)
        refused = [one.reason for point in found.judged for one in point.measures.values() if isinstance(one, Refused)]
        if len(refused) == sum(len(point.measures) for point in found.judged):
            raise ImpastoError(f"nothing could be measured: {refused[0]}; the paintings are kept in {self.out / PAINTINGS}")
        return found

    def _real_artist(self, cells: Sequence[Sequence[Cell]], context: Context) -> str | None:
        """The artist whose works are compared with: that of all paintings, if there are real works by that artist."""
        from impasto.data.catalogue.read import read_catalogue

        names = {cell.request.condition.artist for row in cells for cell in row}
        if len(names) != 1 or "" in names:
            return None
        (name,) = names
        artists = {entry.artist.casefold() for entry in read_catalogue(self.real, check_images=False).entries}
        if name.casefold() in artists:
            return name
        context.note(f"{self.real} names no work by {name}: all its pictures are compared with")
        return None


def folder_names(axis: SweepAxis) -> list[str]:
    """Returns a folder's name for each value: the axis and the value; numbered where two would be the same."""
    from impasto.painting.file_names import slug

    names: list[str] = []
    for value in axis.values:
        word = value if axis.numbers is not None else slug(value)
        name = f"{axis.name}-{word}"
        names.append(name if name not in names else f"{name}-{len(names) + 1}")
    return names


def _shared_settings(cells: Sequence[Sequence[Cell]], swept: str) -> dict[str, object]:
    """The settings that all paintings share, in words for a legend."""
    first = cells[0][0].record
    told: dict[str, object] = {
        "checkpoint": f"{first.checkpoint} {first.checkpoint_hash[:10]}", "artist": first.condition.get("artist", ""),
        "sampler": first.sampler, "steps": first.steps, "guidance": first.guidance, "guider": first.guider,
        "eta": first.eta, "width": first.width, "height": first.height, "negative": first.negative,
    }  # fmt: skip
    records = [cell.record for row in cells for cell in row]
    same = {
        "artist": len({str(record.condition.get("artist", "")) for record in records}) == 1,
        "checkpoint": len({record.checkpoint_hash for record in records}) == 1,
    }
    for name in told:
        if name not in same:
            same[name] = len({getattr(record, name) for record in records}) == 1
    return {name: value for name, value in told.items() if same[name] and name != swept and value not in ("", 0.0)}

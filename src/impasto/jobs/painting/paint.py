"""The job `paint`: paints new pictures from a prompt."""

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import model_validator

from impasto.errors import UsageError
from impasto.jobs.context import Context
from impasto.jobs.judging.training_pictures import USUAL_FEATURES
from impasto.jobs.painting.best_of import BestOfPainting, check_best_of, check_scored
from impasto.jobs.painting.checks.living_artists import say_living
from impasto.jobs.painting.checks.safety import OFF as OFF_SAFETY
from impasto.jobs.painting.checks.safety import PaintingSafety, check_safety_options
from impasto.jobs.painting.copy_avoidance import CopyAvoidance, check_avoidance
from impasto.jobs.painting.output import Output
from impasto.jobs.painting.paint_files import PaintedFile, paint_files
from impasto.jobs.painting.picture import PictureJob
from impasto.jobs.painting.series.options import NO_SHEET, check_series
from impasto.jobs.painting.series.painting import Keeping, paint_series
from impasto.jobs.painting.series.plan import NO_ARTIST, plan_series, resolve_artists
from impasto.jobs.painting.spread.into_store import paint_into_store
from impasto.jobs.painting.spread.paintings import PaintWork, kept_seed, paint_spread, say_begun_elsewhere
from impasto.jobs.painting.spread.settled import SettledEngines, checkpoint_hash, is_gpu, pictures_at_once
from impasto.painting.file_names import slug
from impasto.spreading import HERE
from impasto.stores.place import address_of

MOST_PICTURES = 10_000


def check_batch(batch: int | None) -> None:
    """Raises UsageError if the batch size is invalid."""
    if batch is not None and batch < 1:
        raise UsageError(f"batch {batch}: use 1 or more")


class PaintJob(PictureJob):
    """Paints new pictures from a prompt.

    Attributes:
        count: number of pictures, 1 to 10,000; picture k has `seed` + k - 1, or with `best_of` n the best of n seeds from
            `seed` + (k - 1) n on. In a series, of each text by each artist.
        artists: several artists, each of whom paints all texts; "none" for none. `artist` is then left out.
        expand_count: paints a series of so many extensions, the best first, 1 to 50; None for one, as `expand_rank` says.
            It implies the method `expand`, if that is not given: wang2023 with a `prompt_model`, else wu2022.
        expand_original: paints the prompt as it was typed, too, as the first row of a series.
        sheet: the sheet of a series: .png, .webp or .pdf; "" for one beside the paintings, "none" for none.
        best_of: each picture is the best of so many seeds by the scorer, 1 to 100; 1 for the first seed.
        keep_all: keeps the others of `best_of`, too.
        scorer: the scorer of `best_of`: "pocket", the output of `impasto train pocket-scorer`, or CLIP; None for "pocket".
        batch: number of pictures that are painted at once; None for as many as fit.
        preview_every: number of steps between two previews, which are written to a file per picture; 0 for never.
        out: a folder, or one FILE.png.
        overwrite: whether that file may be replaced.
        safety_checker: the folder of a model that flags pictures before they are saved; "off" for none.
        flagged: what happens to a flagged picture: "keep", "blur" or "drop".
        avoid_copies: training pictures (a catalogue, or a copy index); a picture that looks like one of them is painted
            again.
        copy_repaints: how often a copy is painted again at most; None for 4.
        copy_features: the feature extractor for finding copies.
    """

    kind: ClassVar[str] = "paint"

    count: int = 1
    artists: tuple[str, ...] = ()
    expand_count: int | None = None
    expand_original: bool = False
    sheet: str = ""
    best_of: int = 1
    keep_all: bool = False
    scorer: str | None = None
    batch: int | None = None
    preview_every: int = 0
    out: Path = Path("pictures")
    overwrite: bool = False
    safety_checker: str = OFF_SAFETY
    flagged: str = "keep"
    avoid_copies: Path | None = None
    copy_repaints: int | None = None
    copy_features: str = USUAL_FEATURES

    @model_validator(mode="before")
    @classmethod
    def _imply_method(cls, fields: Any) -> Any:
        """A series of extensions implies the method, if none is given."""
        if isinstance(fields, dict) and fields.get("expand_count") is not None and "expand" not in fields:
            return {**fields, "expand": "wu2022" if fields.get("prompt_model") is None else "wang2023"}
        return fields

    @model_validator(mode="after")
    def _check(self) -> "PaintJob":
        if not 1 <= self.count <= MOST_PICTURES:
            raise UsageError(f"count {self.count}: use 1 to {MOST_PICTURES}")
        check_batch(self.batch)
        if self.preview_every < 0:
            raise UsageError(f"preview-every {self.preview_every}: use 0 (never) or more")
        check_safety_options(self.safety_checker, self.flagged)
        if self.flagged == "drop" and self.is_series and self.sheet != NO_SHEET:
            raise UsageError("--flagged drop: the sheet of a series has no empty places: use keep or blur, or --sheet none")
        check_avoidance(self.avoid_copies, self.copy_repaints)
        check_best_of(self.best_of, self.keep_all, self.scorer, self.copy_repaints)
        check_series(
            self.artist, self.artists, self.expand_count, method=self.expand, rank=self.expand_rank,
            original=self.expand_original, sheet=self.sheet,
        )  # fmt: skip
        for artist in self.artists or (self.artist,):
            one = self.model_copy(update={"artist": "" if artist.casefold() == NO_ARTIST else artist})
            check_scored(one.draft(self.seed or 0).condition, self.best_of)
        self._check_last_seed()
        return self

    def _check_last_seed(self) -> None:
        """Raises UsageError if the last of the seeds is too large."""
        from impasto.painting.request import LARGEST_SEED

        needed = self.count * self.best_of
        if (self.seed or 0) + needed - 1 > LARGEST_SEED:
            raise UsageError(
                f"seed {self.seed}: the job needs {needed} seeds from it on: use 0 to {LARGEST_SEED - needed + 1}"
            )

    @property
    def is_whole(self) -> bool:
        """False, see `PictureJob.is_whole`: the pictures are checked for each artist."""
        return False

    @property
    def is_series(self) -> bool:
        """Whether the pictures are a series with a sheet: several texts, or several artists."""
        return self.expand_count is not None or self.expand_original or len(self.artists) > 1

    def run(self, context: Context) -> list[PaintedFile]:
        """Paints the pictures and saves each as soon as it is finished. A series is a `PaintedSeries`, with its sheet.

        Raises:
            UsageError, MissingPart, ImpastoError: a requested part does not exist, or options do not fit together; a file
                cannot be written; copies were left out.
            StoppedError: the job was stopped.
        """
        if (address := address_of(self.out)) is not None:
            return paint_into_store(self, address, context)
        if context.spread is not HERE:
            return self._run_spread(context)
        say_begun_elsewhere(self, self.out, context)
        seed = secrets.randbelow(2**32) if self.seed is None else self.seed
        seeds = [seed + k * self.best_of for k in range(self.count)]
        if self.avoid_copies is not None and not self.avoid_copies.exists():
            raise UsageError(f"--avoid-copies {self.avoid_copies}: there is no such catalogue or copy index")
        setup = self.setup(context.note)
        artists = resolve_artists(self.artists or (self.artist,), setup, self.any_artist)
        say_living(artists, setup.artists, context.note)
        first = self.model_copy(update={"artist": max(artists), "any_artist": True}).settle(setup, seed)
        if self.is_series:
            series = plan_series(
                first, self.prompt_steps, artists, extensions=self.expand_count, original=self.expand_original,
                seeds=seeds, say=context.note,
            )  # fmt: skip
            return paint_series(
                series, self.out, setup, context, sheet=self.sheet, overwrite=self.overwrite, batch=self.batch or 1,
                preview_every=self.preview_every, keeping=lambda: self._keeping(context),
            )  # fmt: skip
        requests = self.prompt_steps.apply([replace(first, seed=one) for one in seeds], context.note)
        stem = slug(self.prompt if self.prompt.strip() else requests[0].condition.text())
        output = Output.at(self.out, stem, self.count, self.overwrite)
        keeping = self._keeping(context)
        return paint_files(
            requests, output, setup, context, batch=self.batch, preview_every=self.preview_every,
            avoidance=keeping.avoidance, choosing=keeping.choosing, safety=keeping.safety,
        )  # fmt: skip

    def _run_spread(self, context: Context) -> list[PaintedFile]:
        """Paints with the context's workers: a unit is as many pictures as the local run paints at once.

        Raises:
            UsageError: a series, or copies that are avoided, cannot be divided. Others: as `run`.
        """
        if self.is_series:
            raise UsageError("a series has one sheet and is painted in one process: leave --on out, or use --prompts FILE")
        if self.avoid_copies is not None:
            raise UsageError("--avoid-copies: a copy takes the next free seed of the whole job: leave --on out")
        seed = secrets.randbelow(2**32) if self.seed is None else self.seed
        setup = self.setup(context.note)
        artists = resolve_artists(self.artists or (self.artist,), setup, self.any_artist)
        say_living(artists, setup.artists, context.note)
        first = self.model_copy(update={"artist": max(artists), "any_artist": True}).settle(setup, seed)
        Output.at(self.out, slug(self.prompt or "x"), self.count, self.overwrite)
        if self.seed is None:
            seed = kept_seed(self, self.out, seed)
        group = 1 if self.best_of > 1 else self.batch or pictures_at_once(first, self.device)
        settled = SettledEngines(context).decide([(self, 1)]).settle(self)
        units = (
            settled.model_copy(update={
                "seed": seed + number * self.best_of, "count": min(group, self.count - number), "overwrite": False,
            }).to_json()
            for number in range(0, self.count, group)
        )  # fmt: skip
        return paint_spread(
            units, -(-self.count // group), self.out, context, PaintWork(is_gpu(self.device)), job=self,
            content=checkpoint_hash(self.checkpoint), pictures=group, go_on=False,
        )  # fmt: skip

    def _keeping(self, context: Context) -> Keeping:
        """Loads what decides which paintings are kept: training pictures, the scorer of the best of several, the checker."""
        avoidance = choosing = None
        if self.avoid_copies is not None:
            repaints = check_avoidance(self.avoid_copies, self.copy_repaints)
            avoidance = CopyAvoidance.prepare(self.avoid_copies, repaints, self.copy_features, context)
        if self.best_of > 1:
            choosing = BestOfPainting.load(
                self.best_of, self.scorer, keep_all=self.keep_all, batch=self.batch, avoidance=avoidance
            )
        safety = PaintingSafety.load(self.safety_checker, self.flagged, self.device, context)
        return Keeping(avoidance, choosing, safety)

"""The job `batch`: prompts x artists x settings x seeds, each combination one painting."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.painting.output import Output
from impasto.jobs.painting.paint import PaintJob
from impasto.jobs.painting.paint_files import PaintedFile
from impasto.jobs.painting.series.plan import NO_ARTIST
from impasto.jobs.painting.spread.into_store import paint_into_store
from impasto.jobs.painting.spread.paintings import PaintWork, kept_seed, paint_spread, say_begun_elsewhere
from impasto.jobs.painting.spread.settled import SettledEngines, checkpoint_hash, is_gpu
from impasto.spreading import HERE
from impasto.stores.place import address_of

MOST_COMBINATIONS = 100_000
# Fields of `paint` that a batch has itself, or that would make several pictures of one combination.
OWN_FIELDS = (
    "artists", "count", "expand_count", "expand_original", "keep_all", "out", "overwrite", "seed", "sheet", "batch",
)  # fmt: skip


@dataclass(frozen=True)
class Combination:
    """One painting of a batch: the index of its prompt, artist and settings, and its seed."""

    prompt: int
    artist: int
    settings: int
    seed: int


class BatchJob(Job):
    """Paints every combination of prompts, artists, settings and seeds; seeds change first, then settings, artists, prompts.

    Attributes:
        base: fields of `paint` that all paintings share, such as `checkpoint`, `steps`, `size`.
        prompts: the prompts; none for the one in `base`.
        artists: the artists, "none" for a painting without one; none for the one in `base`.
        settings: fields of `paint` that replace those of `base`, a mapping for each choice: `[{"steps": 9}, {"steps": 20}]`.
        seed: the first seed; None draws one. `count`: how many seeds from it on.
        seeds: the seeds themselves, in place of `seed` and `count`.
        out: a folder.
    """

    kind: ClassVar[str] = "batch"

    base: Mapping[str, Any] = Field(default_factory=dict)
    prompts: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()
    settings: tuple[Mapping[str, Any], ...] = ()
    seed: int | None = None
    count: int = 1
    seeds: tuple[int, ...] = ()
    out: Path = Path("pictures")

    def __hash__(self) -> int:
        return hash(self.to_json())  # a mapping of its own has no hash

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.count < 1:
            raise UsageError(f"count {self.count}: use 1 or more")
        if self.seeds and (self.seed is not None or self.count != 1):
            raise UsageError("seeds names all seeds: leave seed and count out")
        for name, fields in [("base", self.base), *((f"settings.{n}", one) for n, one in enumerate(self.settings))]:
            wrong = [field for field in fields if field in OWN_FIELDS]
            if wrong:
                raise UsageError(f"batch job, {name}.{wrong[0]}: a batch has its own prompts, artists, seeds and folder")
        if self.total > MOST_COMBINATIONS:
            raise UsageError(f"a batch of {self.total} paintings: use at most {MOST_COMBINATIONS}")
        size = max(1, len(self.seeds) or self.count)
        for first in {
            *(p * self._of_prompt for p in range(max(1, len(self.prompts)))),
            *(a * self._of_artist for a in range(max(1, len(self.artists)))),
            *(s * size for s in range(max(1, len(self.settings)))),
            self.total - 1,
        }:
            self.unit(first)  # every prompt, artist, setting and the largest seed once
        return self

    @property
    def _of_artist(self) -> int:
        return max(1, len(self.settings)) * (len(self.seeds) or self.count)

    @property
    def _of_prompt(self) -> int:
        return max(1, len(self.artists)) * self._of_artist

    @property
    def total(self) -> int:
        """The number of paintings."""
        return max(1, len(self.prompts)) * self._of_prompt

    def settled(self) -> Self:
        """Returns the batch with its first seed drawn, so that painting `n` is the same whenever it is painted."""
        if self.seeds or self.seed is not None:
            return self
        return self.model_copy(update={"seed": secrets.randbelow(2**32)})

    def combination(self, number: int) -> Combination:
        """Returns what painting `number`, from 0, is made of."""
        prompt, rest = divmod(number, self._of_prompt)
        artist, rest = divmod(rest, self._of_artist)
        settings, seed = divmod(rest, len(self.seeds) or self.count)
        return Combination(prompt, artist, settings, self.seeds[seed] if self.seeds else (self.seed or 0) + seed)

    def unit(self, number: int) -> PaintJob:
        """Returns the job of painting `number`, from 0.

        Raises:
            UsageError: its fields do not fit; the message names the prompt or the settings.
        """
        place = self.combination(number)
        fields: dict[str, Any] = {**self.base, "out": self.out}
        if self.prompts:
            fields["prompt"] = self.prompts[place.prompt]
        if self.artists:
            name = self.artists[place.artist]
            fields["artist"] = "" if name.casefold() == NO_ARTIST else name
        if self.settings:
            fields |= self.settings[place.settings]
        return PaintJob(**{**fields, "seed": place.seed})

    def engines(self, context: Context) -> SettledEngines:
        """Returns which engine paints them, decided for the whole batch."""
        choices = max(1, len(self.settings))
        times = self.total // choices
        firsts = ((self.unit(number * (len(self.seeds) or self.count)), times) for number in range(choices))
        return SettledEngines(context).decide(firsts)

    def run(self, context: Context) -> list[PaintedFile]:
        """Paints one after the other into `out`. In the queue, every painting is a unit instead, which survives a kill.

        Raises:
            ImpastoError: paintings failed; the others are kept. StoppedError: the job was stopped.
        """
        if (address := address_of(self.out)) is not None:
            return paint_into_store(self, address, context)
        if context.spread is not HERE:
            return self._run_spread(context)
        say_begun_elsewhere(self, self.out, context)
        batch, done, failed = self.settled(), [], 0
        engines = batch.engines(context)
        for number in range(batch.total):
            try:
                done += engines.settle(batch.unit(number)).run(context)
            except StoppedError:
                raise StoppedError(f"stopped: {len(done)} of {batch.total} paintings finished") from None
            except ImpastoError as error:
                context.failure(error)
                failed += 1
        if failed:
            raise ImpastoError(f"{failed} of {batch.total} paintings failed")
        return done

    def _run_spread(self, context: Context) -> list[PaintedFile]:
        """Paints with the context's workers: a unit is one painting."""
        first = self.unit(0)
        Output.at(self.out, "x", self.total, False)
        seed = self.seed
        if seed is None and not self.seeds:
            seed = kept_seed(self, self.out, secrets.randbelow(2**32))
        batch = self.model_copy(update={"seed": seed})
        engines = batch.engines(context)
        units = (engines.settle(batch.unit(number)).to_json() for number in range(batch.total))
        hashes = {checkpoint_hash(str({**self.base, **one}.get("checkpoint", first.checkpoint)))
                  for one in self.settings or ({},)}  # fmt: skip
        return paint_spread(
            units, batch.total, self.out, context, PaintWork(is_gpu(first.device)), job=self,
            content="/".join(sorted(hashes)), pictures=1, go_on=True,
        )  # fmt: skip

"""Reproduces wu2022, figures 4 to 12: the same prompts by many artists, before and after the two stages of retraining."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from impasto.checkpoints.listing import inspect_checkpoint
from impasto.checkpoints.size import is_small
from impasto.files import write_atomically
from impasto.painting.file_names import slug
from impasto.prompts.condition import Condition
from impasto.reproduction.manifest import manifest_of
from impasto.reproduction.measures import Judge, OnShare
from impasto.reproduction.pictures import PaintingCheckpoint, PaintingPrompt, PaintingSet, paint_sets, plan_set
from impasto.reproduction.protocols import Wu2022
from impasto.reproduction.real_works import RealWorks, evenly_spread, selection_hash
from impasto.reproduction.report import Report
from impasto.reproduction.report_files import REPORT_FOLDER, write_numbers, write_report
from impasto.reproduction.retrainings import (
    Retraining,
    as_asked,
    check_minutes,
    disk_space,
    fixed_name,
    held_out_loss,
    progress_for,
    retrained,
    training_facts,
)
from impasto.reproduction.sheets import save_sheet
from impasto.reproduction.workspace import OnProgress, PhaseTimes, Workspace
from impasto.reproduction.wu2022.report import STAGES, WHEN, Findings, wu2022_report
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes.wu2022 import wu2022_joint, wu2022_text_encoder

NAME = "wu2022"
_FIGURE_4 = "figure-4"
# Steps from one validation to the next: they give a curve of about ten points at either size.
_POCKET_EVERY, _LARGE_EVERY = 250, 10_000


@dataclass(frozen=True)
class Wu2022Study:
    """A protocol with its artists, catalogue, checkpoint and workspace; runs all phases of the reproduction.

    Attributes:
        artists: all artists in the prompts, including `protocol.four`.
    """

    protocol: Wu2022
    artists: tuple[str, ...]
    catalogue: Path
    checkpoint: str
    place: Workspace

    def settings(self) -> dict[str, object]:
        """Returns all settings that must not change between one start and the next."""
        return {
            **asdict(self.protocol), "names": self.artists, "catalogue": self.catalogue,
            "checkpoint": fixed_name(self.checkpoint),
        }  # fmt: skip

    def reproduce(self, works: RealWorks, on_progress: OnProgress) -> Report:
        """Runs all phases, resuming each one, and writes the report to the workspace's folder `report`.

        `self.place` must have begun.

        Args:
            works: the catalogue's works.
            on_progress: called with (name of the step, share of the phase, figures).

        Raises:
            UsageError, MissingPart, ImpastoError: the same as the parts of the phases.
            KeyboardInterrupt: the reproduction was stopped; finished work is kept.
        """
        times = PhaseTimes(self.place)
        base = PaintingCheckpoint.of(self.checkpoint)
        with times.phase("validate the original", on_progress) as tell:
            loss = self._base_loss(base, tell)
        with times.phase("retrain", on_progress) as tell:
            sources = {"before": base, "after": self._retrain(base, tell)}
        sets = self._plan(sources)
        with times.phase("paint", on_progress) as tell:
            paint_sets(list(sets.values()), lambda what, share: tell(what, share, {}))
        with times.phase("measure", on_progress) as tell:
            found = self._measure(works, sets, loss, lambda what, share: tell(what, share, {}))
        with times.phase("figures", on_progress) as tell:
            tell("drawing", 0.0, {})
            self._draw(sets)
        chosen = [*works.training, *(entry for entry in works.held_out if entry.artist in self.artists)]
        used = manifest_of(
            base, {"after both stages": sources["after"]}, found.judge,
            (self.catalogue.resolve().name, len(chosen), selection_hash(chosen)),
            {"prompts": list(self.protocol.prompts), "prompts of figure 4": list(self.protocol.figure_4_prompts)},
        )  # fmt: skip
        report = wu2022_report(self.protocol, self.checkpoint, found, times.seconds, used)
        write_report(report, self.place.path / REPORT_FOLDER)
        write_numbers(report, self.place.path / "report.json")
        return report

    def _stages(self, base: PaintingCheckpoint) -> tuple[FineTuning, FineTuning]:
        every = _POCKET_EVERY if is_small(base.side) else _LARGE_EVERY
        recipes = (wu2022_text_encoder, wu2022_joint)
        first, second = (as_asked(one(base.side), self.protocol.precision, validation_every=every) for one in recipes)
        return first, second

    def _base_loss(self, base: PaintingCheckpoint, tell: OnProgress) -> float | None:
        """The original checkpoint's loss on held-out pictures; None if it cannot be computed."""
        path = self.place.file("original-validation.json")
        try:
            return json.loads(path.read_text("utf-8"))["validation"]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        loss = held_out_loss(self.catalogue, self.checkpoint, self._stages(base)[0], self.place.path, tell)
        write_atomically(path, json.dumps({"validation": loss}).encode())
        return loss

    def _retrain(self, base: PaintingCheckpoint, tell: OnProgress) -> PaintingCheckpoint:
        checkpoint, names = self.checkpoint, ("wu2022-text-encoder", "wu2022-joint")
        for number, (name, choices) in enumerate(zip(names, self._stages(base), strict=True)):
            what = Retraining(
                name, choices, self.catalogue, checkpoint, minutes=self.protocol.minutes, seed=self.protocol.training_seed
            )
            run = self.place.file("runs", name)
            checkpoint = str(retrained(what, run, progress_for(STAGES[number], number, len(names), tell)))
        return PaintingCheckpoint.of(checkpoint)

    def _plan(self, sources: Mapping[str, PaintingCheckpoint]) -> dict[tuple[str, str], PaintingSet]:
        """Plans the sets: ("all", or "figure-4" with an artist's name or ""; before or after) -> the set."""
        protocol, paintings = self.protocol, self.place.path / "paintings"
        sets = {}
        for when in WHEN:
            asks = [
                PaintingPrompt(Condition(caption=prompt, artist=artist), protocol.seed + k)
                for artist in self.artists
                for prompt in protocol.prompts
                for k in range(protocol.paintings)
            ]
            sets["all", when] = plan_set(paintings / when, sources[when], protocol.sampling, asks)
            for artist in (*([""] if when == "before" else []), *protocol.four):
                conditions = [Condition(caption=text, artist=artist) for text in protocol.figure_4_prompts]
                asks = [PaintingPrompt(condition, protocol.seed) for condition in conditions]
                folder = paintings / _FIGURE_4 / f"{slug(artist) if artist else 'no-artist'}-{when}"
                sets[f"{_FIGURE_4} {artist}", when] = plan_set(folder, sources[when], protocol.sampling, asks)
        return sets

    def _measure(
        self, works: RealWorks, sets: Mapping[tuple[str, str], PaintingSet], loss: float | None, tell: OnShare
    ) -> Findings:
        judge = Judge(works.everything, self.artists, tell)
        held_out = [entry for artist in self.artists for entry in works.works(artist, held_out=True)]
        real = judge.features("held-out works", held_out)
        judged = {when: judge.judge_set(f"all, {when}", sets["all", when], real)[0] for when in WHEN}
        everything = [entry for artist in self.artists for entry in works.works(artist)]
        own = evenly_spread(everything, len(sets["all", "before"].wanted))
        floor = judge.features("training pictures", own)
        judged["real"] = judge.judge_rows(floor, real, [entry.artist for entry in floor.entries])
        runs = [training_facts(self.place.path / "runs" / name) for name in ("wu2022-text-encoder", "wu2022-joint")]
        asked = tuple(one.request.condition.artist for one in sets["all", "before"].wanted)
        return Findings(judge, judged, asked, len(real.rows), len(works.training), loss, tuple(runs))

    def _draw(self, sets: Mapping[tuple[str, str], PaintingSet]) -> None:
        protocol, folder = self.protocol, self.place.file(REPORT_FOLDER, "figures").parent
        sampling = protocol.sampling
        words = f"{sampling.sampler}, {sampling.steps} steps, guidance {sampling.guidance:g}, seed {protocol.seed}"
        four = [("", "before"), *((artist, when) for when in WHEN for artist in protocol.four)]
        rows = [sets[f"{_FIGURE_4} {artist}", when].files for artist, when in four]
        titles = [f"{artist}, {when}" if artist else "the original, no artist" for artist, when in four]
        save_sheet(folder / "figure-4.png", rows, titles, protocol.figure_4_prompts, words)

        def first(artist: str, prompt: int, when: str) -> Path:
            place = (self.artists.index(artist) * len(protocol.prompts) + prompt) * protocol.paintings
            return sets["all", when].files[place]

        numbers = range(len(protocol.prompts))
        rows = [[first(artist, number, when) for artist in protocol.four] for number in numbers for when in WHEN]
        titles = [f"{protocol.prompts[number]}: {when}" for number in numbers for when in WHEN]
        save_sheet(folder / "figures-5-to-8.png", rows, titles, protocol.four, words)
        for when in WHEN:
            rows = [[first(artist, number, when) for number in numbers] for artist in self.artists]
            save_sheet(folder / f"figures-9-to-12-{when}.png", rows, self.artists, protocol.prompts, f"{when}; {words}")


def choose_artists(protocol: Wu2022, works: RealWorks, named: tuple[str, ...] | None) -> tuple[Wu2022, tuple[str, ...]]:
    """Returns the protocol and the artists for this catalogue.

    The artists are those in `named`, of whom the first four are in figures 4 to 8. If `named` is None, they are the paper's
    four artists, followed by those with the most works.

    Raises:
        UsageError, ImpastoError: the same as `RealWorks.find`.
    """
    found = tuple(dict.fromkeys(works.find(name) for name in named or protocol.four))
    protocol = replace(protocol, four=found[:4])
    if named is None:
        most = [artist for artist in works.most_seen(protocol.artists) if artist not in found]
        found = (*found, *most)[: max(protocol.artists, len(found))]
    return replace(protocol, artists=len(found)), found


def check_study(study: Wu2022Study) -> None:
    """Checks the settings before any work starts.

    Raises:
        UsageError, MissingPart, ImpastoError: a number or a name is invalid.
    """
    protocol = study.protocol
    check_minutes(protocol.minutes)
    side = PaintingCheckpoint.of(study.checkpoint).side
    as_asked(wu2022_text_encoder(side), protocol.precision)
    source, prompt = PaintingCheckpoint(study.checkpoint, "", side), PaintingPrompt(Condition("x"), protocol.seed)
    plan_set(Path(), source, protocol.sampling, [prompt])


def needed_space(study: Wu2022Study) -> int:
    """Returns about how many bytes the whole reproduction takes."""
    info = inspect_checkpoint(study.checkpoint)
    paintings = 2 * study.protocol.paintings * len(study.protocol.prompts) * len(study.artists)
    return disk_space(info.bytes, 2, paintings, info.default_size or 512)

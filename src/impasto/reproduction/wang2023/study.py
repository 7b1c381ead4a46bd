"""Reproduces wang2023, Table 3 and figures 8 to 11: one retraining per artist, with plain and with expanded prompts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from impasto.checkpoints.listing import inspect_checkpoint
from impasto.errors import ImpastoError
from impasto.evaluation.features import FeatureSet
from impasto.painting.file_names import slug
from impasto.prompts.condition import Condition
from impasto.reproduction.expansions import Expansions
from impasto.reproduction.manifest import manifest_of
from impasto.reproduction.measures import Judge, Judged, OnShare, together
from impasto.reproduction.pictures import PaintingCheckpoint, PaintingPrompt, PaintingSet, paint_sets, plan_set
from impasto.reproduction.protocols import Wang2023
from impasto.reproduction.real_works import RealWorks, evenly_spread, selection_hash
from impasto.reproduction.report import Report
from impasto.reproduction.report_files import REPORT_FOLDER, write_numbers, write_report
from impasto.reproduction.retrainings import (
    Retraining,
    TrainingFacts,
    as_asked,
    check_minutes,
    disk_space,
    fixed_name,
    progress_for,
    retrained,
    training_facts,
)
from impasto.reproduction.sheets import save_sheet
from impasto.reproduction.wang2023.report import CHECKPOINTS, PROMPTS, Findings, wang2023_report
from impasto.reproduction.workspace import OnProgress, PhaseTimes, Workspace
from impasto.training.examples.training_set import condition_of
from impasto.training.recipes.wang2023 import wang2023_artist

NAME = "wang2023"
_SHOWN = 8  # held-out texts in an artist's own figure
_FIGURES = "figures"  # prefix of the sets with the paper's prompts
# (artist of the texts, or "figures, NAME"; checkpoint; prompts) -> the set
Sets = dict[tuple[str, str, str], PaintingSet]


@dataclass(frozen=True)
class Wang2023Study:
    """A protocol with its catalogue, checkpoint and workspace; runs all phases of the reproduction.

    Attributes:
        runs: artist -> a retrained checkpoint that already exists.
    """

    protocol: Wang2023
    catalogue: Path
    checkpoint: str
    place: Workspace
    runs: Mapping[str, Path] = field(default_factory=dict)

    def settings(self) -> dict[str, object]:
        """Returns all settings that must not change between one start and the next."""
        return {
            **asdict(self.protocol), "catalogue": self.catalogue, "checkpoint": fixed_name(self.checkpoint),
            "runs": {name: str(run.absolute()) for name, run in self.runs.items()},
        }  # fmt: skip

    def reproduce(self, works: RealWorks, on_progress: OnProgress) -> Report:
        """Runs all phases, resuming each one, and writes the report to the workspace's folder `report`.

        `self.place` must have begun.

        Args:
            works: the catalogue's works, which include all artists of the protocol.
            on_progress: called with (name of the step, share of the phase, figures).

        Raises:
            UsageError, MissingPart, ImpastoError: the same as the parts of the phases.
            KeyboardInterrupt: the reproduction was stopped; finished work is kept.
        """
        times = PhaseTimes(self.place)
        base = PaintingCheckpoint.of(self.checkpoint)
        with times.phase("retrain", on_progress) as tell:
            sources = self._retrain(base, tell)
        with times.phase("expand", on_progress) as tell:
            expansions = Expansions(self.place.file("expansions.json"), self.protocol.expansion, self.protocol.expansions)
            expansions.expand(self._conditions(works), lambda what, share: tell(what, share, {}))
        sets = self._plan(base, sources, works, expansions)
        with times.phase("paint", on_progress) as tell:
            paint_sets(list(sets.values()), lambda what, share: tell(what, share, {}))
        with times.phase("measure", on_progress) as tell:
            asked = self._expanded(works, expansions)
            found = self._measure(works, sets, asked, lambda what, share: tell(what, share, {}))
        with times.phase("figures", on_progress) as tell:
            tell("drawing", 0.0, {})
            self._draw(sets)
        used = self._used(base, sources, works, asked, found.judge)
        report = wang2023_report(self.protocol, self.checkpoint, found, times.seconds, used)
        write_report(report, self.place.path / REPORT_FOLDER)
        write_numbers(report, self.place.path / "report.json")
        return report

    def _retrain(self, base: PaintingCheckpoint, tell: OnProgress) -> dict[str, PaintingCheckpoint]:
        """Retrains on each artist; returns artist -> retrained checkpoint."""
        found = {}
        choices = as_asked(wang2023_artist(base.side), self.protocol.precision)
        for number, artist in enumerate(self.protocol.artists):
            run = self.runs.get(artist)
            if run is None:
                what = Retraining(
                    "wang2023-artist", choices, self.catalogue, self.checkpoint, artist, self.protocol.minutes,
                    self.protocol.training_seed,
                )  # fmt: skip

                each = progress_for(artist, number, len(self.protocol.artists), tell)
                run = retrained(what, self.place.file("runs", folder_name(artist)), each)
            found[artist] = PaintingCheckpoint.of(str(run))
            if found[artist].side != base.side:
                sides = f"{found[artist].side} px and {self.checkpoint} {base.side}"
                raise ImpastoError(f"{run} paints {sides}: take a run of that checkpoint")
        return found

    def _asked(self, works: RealWorks, artist: str) -> list[Condition]:
        """The texts of the artist's held-out works, in turn."""
        held_out = works.works(artist, held_out=True)
        return [condition_of(held_out[k % len(held_out)]) for k in range(self.protocol.paintings)]

    def _figure_conditions(self, artist: str) -> list[Condition]:
        return [Condition(caption=prompt, artist=artist) for prompt in self.protocol.prompts]

    def _figure_expansions(self) -> list[Condition]:
        """The conditions to expand for the figures: once for all rows, with room for the longest artist name."""
        return self._figure_conditions(max(self.protocol.artists, key=len))

    def _conditions(self, works: RealWorks) -> list[Condition]:
        """All conditions that are expanded."""
        measured = [condition for artist in self.protocol.artists for condition in self._asked(works, artist)]
        return [*self._figure_expansions(), *measured]

    def _expanded(self, works: RealWorks, expansions: Expansions) -> dict[str, str]:
        """Full text of every prompt -> its expansion; "" if there is none."""
        return {condition.text(): expansions.of(condition) for condition in self._conditions(works)}

    def _plan(
        self, base: PaintingCheckpoint, sources: Mapping[str, PaintingCheckpoint], works: RealWorks, expansions: Expansions
    ) -> Sets:
        protocol = self.protocol
        sets: Sets = {}

        def asks(conditions: list[Condition], seeds: list[int], expanded: list[Condition] | None) -> list[PaintingPrompt]:
            richer = [""] * len(seeds) if expanded is None else map(expansions.of, expanded)
            return [PaintingPrompt(*one) for one in zip(conditions, seeds, richer, strict=True)]

        for artist in protocol.artists:
            conditions, seeds = self._asked(works, artist), [protocol.seed + k for k in range(protocol.paintings)]
            for checkpoint, source in zip(CHECKPOINTS, (base, sources[artist]), strict=True):
                for prompts in PROMPTS:
                    folder = self.place.path / "paintings" / folder_name(artist) / f"{checkpoint}-{prompts}"
                    wanted = asks(conditions, seeds, conditions if prompts == "expanded" else None)
                    sets[artist, checkpoint, prompts] = plan_set(folder, source, protocol.sampling, wanted)
        # As in the paper, the first row is the original checkpoint without an artist in the prompt.
        for artist, source in (("", base), *sources.items()):
            conditions = self._figure_conditions(artist)
            for prompts in PROMPTS:
                folder = self.place.path / "paintings" / _FIGURES / f"{folder_name(artist) or 'original'}-{prompts}"
                richer = self._figure_expansions() if prompts == "expanded" else None
                wanted = asks(conditions, [protocol.figure_seed] * len(conditions), richer)
                sets[f"{_FIGURES}, {artist}", "", prompts] = plan_set(folder, source, protocol.sampling, wanted)
        return sets

    def _measure(self, works: RealWorks, sets: Sets, asked: Mapping[str, str], tell: OnShare) -> Findings:
        judge = Judge(works.everything, self.protocol.artists, tell)
        judged: dict[tuple[str, str, str], Judged] = {}
        everybody: dict[tuple[str, str], list[FeatureSet]] = {}
        held_out: list[FeatureSet] = []
        facts: dict[str, tuple[int, TrainingFacts, bool]] = {}
        for artist in self.protocol.artists:
            real = judge.features(f"{artist}, held out", works.works(artist, held_out=True))
            held_out.append(real)
            own = evenly_spread(works.works(artist), self.protocol.paintings)
            floor = judge.features(f"{artist}, training pictures", own)
            judged[artist, "real", ""] = judge.judge_rows(floor, real, [artist] * len(floor.rows))
            everybody.setdefault(("real", ""), []).append(floor)
            for checkpoint in CHECKPOINTS:
                for prompts in PROMPTS:
                    name = f"{artist}, {checkpoint}, {prompts}"
                    judged[artist, checkpoint, prompts], features = judge.judge_set(
                        name, sets[artist, checkpoint, prompts], real
                    )
                    everybody.setdefault((checkpoint, prompts), []).append(features)
            run = self.runs.get(artist) or self.place.path / "runs" / folder_name(artist)
            facts[artist] = (len(works.works(artist)), training_facts(run), artist in self.runs)
        tell("all artists together", 0.0)
        real = together("held out", held_out)
        artists = self.protocol.artists
        for (checkpoint, prompts), parts in everybody.items():
            names = [artist for artist, part in zip(artists, parts, strict=True) for _ in part.rows]
            pooled = judge.judge_rows(together(f"all, {checkpoint}", parts), real, names)
            judged["all", checkpoint, prompts] = pooled
        counts = {artist: len(one.rows) for artist, one in zip(artists, held_out, strict=True)}
        unexpanded = sum(not found for found in asked.values()), len(asked)
        return Findings(judge, judged, {**counts, "all": len(real.rows)}, facts, unexpanded)

    def _draw(self, sets: Sets) -> None:
        protocol, folder = self.protocol, self.place.file(REPORT_FOLDER, "figures").parent
        rows = [
            [
                file
                for both in zip(*(sets[f"{_FIGURES}, {artist}", "", kind].files for kind in PROMPTS), strict=True)
                for file in both
            ]
            for artist in ("", *protocol.artists)
        ]
        titles = ["original", *(f"{artist}, retrained" for artist in protocol.artists)]
        columns = [title for prompt in protocol.prompts for title in (prompt, "the same, expanded")]
        sampling = protocol.sampling
        words = f"{sampling.sampler}, {sampling.steps} steps, guidance {sampling.guidance:g}"
        legend = f"{words}, seed {protocol.figure_seed} in all cells"
        save_sheet(folder / "figures-8-to-11.png", rows, titles, columns, legend)
        for artist in protocol.artists:
            kinds = [(checkpoint, prompts) for checkpoint in CHECKPOINTS for prompts in PROMPTS]
            pictures = [sets[artist, *kind].files[:_SHOWN] for kind in kinds]
            shown = sets[artist, *kinds[0]].wanted[:_SHOWN]
            columns = [one.request.condition.caption or one.request.condition.text() for one in shown]
            legend = f"{artist}: {words}, the same seed in a column"
            names = [f"{checkpoint}, {prompts}" for checkpoint, prompts in kinds]
            save_sheet(folder / f"{folder_name(artist)}.png", pictures, names, columns, legend)

    def _used(
        self,
        base: PaintingCheckpoint,
        sources: Mapping[str, PaintingCheckpoint],
        works: RealWorks,
        asked: Mapping[str, str],
        judge: Judge,
    ) -> dict[str, str]:
        chosen = [entry for entry in works.everything if entry.artist in self.protocol.artists]
        return manifest_of(
            base, {f"retrained on {artist}": source for artist, source in sources.items()}, judge,
            (self.catalogue.resolve().name, len(chosen), selection_hash(chosen)),
            {"prompts of the figures": list(self.protocol.prompts), "prompts and their expansions": dict(asked)},
        )  # fmt: skip


def check_study(study: Wang2023Study) -> None:
    """Checks the settings before any work starts.

    Raises:
        UsageError, MissingPart, ImpastoError: a number or a name is invalid.
    """
    protocol = study.protocol
    check_minutes(protocol.minutes)
    side = PaintingCheckpoint.of(study.checkpoint).side
    as_asked(wang2023_artist(side), protocol.precision)
    source, prompt = PaintingCheckpoint(study.checkpoint, "", side), PaintingPrompt(Condition("x"), protocol.seed)
    plan_set(Path(), source, protocol.sampling, [prompt])
    for run in study.runs.values():
        inspect_checkpoint(str(run))


def needed_space(study: Wang2023Study) -> int:
    """Returns about how many bytes the whole reproduction takes."""
    info = inspect_checkpoint(study.checkpoint)
    artists = study.protocol.artists
    paintings = 4 * study.protocol.paintings * len(artists)
    return disk_space(info.bytes, len(artists) - len(study.runs), paintings, info.default_size or 512)


def folder_name(artist: str) -> str:
    """Returns the artist's folder name, the same as `impasto train wang2023-masters` uses."""
    return slug(artist) if artist else ""

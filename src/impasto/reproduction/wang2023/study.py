"""Reproduces wang2023, tables 1 to 3 and figures 7 to 11: captions, one retraining per artist, expanded prompts."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from impasto.checkpoints.listing import inspect_checkpoint
from impasto.errors import ImpastoError, UsageError
from impasto.painting.file_names import slug
from impasto.painting.provenance.reuse import is_painted
from impasto.prompts.condition import Condition
from impasto.reproduction.annotated_catalogue import AnnotatedCatalogue, AnnotatedData
from impasto.reproduction.expansions import Expansions
from impasto.reproduction.manifest import manifest_of
from impasto.reproduction.measures import Judge, OnShare
from impasto.reproduction.parts import Parts
from impasto.reproduction.pictures import PaintingCheckpoint, PaintingPrompt, PaintingSet, paint_sets, plan_set
from impasto.reproduction.protocols import Wang2023
from impasto.reproduction.real_works import FEWEST_HELD_OUT, RealWorks, selection_hash
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
    retrain_side_by_side,
    retrained,
    training_facts,
)
from impasto.reproduction.time_bounds import Bound, TimeIsUp, parse_bounds
from impasto.reproduction.wang2023.figures import draw_figures
from impasto.reproduction.wang2023.findings import CHECKPOINTS, FIGURES, PROMPTS, Findings, Sets, named_with_seed
from impasto.reproduction.wang2023.judging import judge_all
from impasto.reproduction.wang2023.report import wang2023_report
from impasto.reproduction.workspace import OnProgress, PhaseTimes, Workspace
from impasto.spreading import HERE, Spread
from impasto.training.examples.training_set import condition_of
from impasto.training.recipes.wang2023 import wang2023_artist

NAME = "wang2023"
ANNOTATION = ("tag", "caption", "filter")
PHASES = (*ANNOTATION, "retrain", "expand", "paint", "measure", "figures")
_ROUND = 16  # pictures of each set that are painted between two looks at the clock
_SEEDS_APART = 100_000  # of the pictures of two seeds of a protocol
_MOST_SEEDS = 20
_FEWEST = 3  # pictures of a set: fewer cannot be compared, however little time is left


@dataclass(frozen=True)
class Wang2023Study:
    """A protocol with its catalogue, checkpoint and workspace; runs all phases of the reproduction.

    Attributes:
        catalogue: the user's catalogue, into which nothing is written.
        parts: the models besides the checkpoint.
        runs: artist -> a retrained checkpoint that already exists.
        spread: does the pictures, the captions, the retrainings and the paintings.
    """

    protocol: Wang2023
    catalogue: Path
    checkpoint: str
    place: Workspace
    parts: Parts = field(default_factory=Parts)
    runs: Mapping[str, Path] = field(default_factory=dict)
    spread: Spread = HERE

    def settings(self) -> dict[str, object]:
        """Returns all settings that must not change between one start and the next."""
        return {
            **asdict(self.protocol), **self.parts.settings(), "catalogue": self.catalogue,
            "checkpoint": fixed_name(self.checkpoint),
            "runs": {name: str(run.absolute()) for name, run in self.runs.items()},
        }  # fmt: skip

    def reproduce(self, works: RealWorks, on_progress: OnProgress) -> Report:
        """Runs all phases, resuming each one, and writes the report to the workspace's folder `report`.

        `self.place` must have begun.

        Args:
            works: the works of the user's catalogue, which include all artists of the protocol.
            on_progress: called with (name of the step, share of the phase, figures).

        Raises:
            UsageError, MissingPart, ImpastoError: the same as the parts of the phases.
            KeyboardInterrupt: the reproduction was stopped; finished work is kept.
        """
        protocol = self.protocol
        phases = PHASES if protocol.annotates else PHASES[len(ANNOTATION) :]
        times = PhaseTimes(self.place, phases)
        base = PaintingCheckpoint.of(self.checkpoint)
        data, annotated = self._annotate(times, on_progress)
        works = self._works(works, annotated)
        with times.phase("retrain", on_progress) as tell:
            sources = self._retrain(base, annotated, tell)
        with times.phase("expand", on_progress) as tell:
            expansions = Expansions(self.place.file("expansions.json"), self.parts.expansion, protocol.expansions)
            bound = times.bound("expand", protocol.bounds)
            self._expand(expansions, works, bound, lambda what, share: tell(what, share, {}))
        sets = self._plan(base, sources, works, expansions)
        with times.phase("paint", on_progress) as tell:
            sets = self._paint(sets, times.bound("paint", protocol.bounds), lambda what, share: tell(what, share, {}))
        with times.phase("measure", on_progress) as tell:
            found = self._measure(works, sets, expansions, data, lambda what, share: tell(what, share, {}))
        with times.phase("figures", on_progress) as tell:
            tell("drawing", 0.0, {})
            draw_figures(protocol, self.place.file(REPORT_FOLDER, "figures").parent, sets, found, works)
        used = self._used(base, sources, works, expansions, found.judge)
        report = wang2023_report(protocol, self.checkpoint, base.side, self.parts, found, times.seconds, used)
        write_report(report, self.place.path / REPORT_FOLDER)
        write_numbers(report, self.place.path / "report.json")
        return report

    def _annotate(self, times: PhaseTimes, on_progress: OnProgress) -> tuple[AnnotatedData, Path]:
        """Tags, captions and filters the artists' pictures; returns what was done, and the folder of the result."""
        if not self.protocol.annotates:
            return AnnotatedData(), self.catalogue
        catalogue = AnnotatedCatalogue(
            self.place.path / "catalogue", self.catalogue, self.protocol.artists, spread=self.spread
        )
        parts, noted = self.parts, 0

        def note(tell: OnProgress) -> None:
            nonlocal noted
            for sentence in catalogue.skipped[noted:]:
                tell(sentence, 1.0, {})
            noted = len(catalogue.skipped)

        with times.phase("tag", on_progress) as tell:
            catalogue.make(lambda what, share: tell(what, share, {}))
            tagger = catalogue.tag(parts.load_tagger, lambda what, share: tell(what, share, {}))
            note(tell)
        bound = times.bound("caption", self.protocol.bounds)
        with times.phase("caption", on_progress) as tell:
            captioner = catalogue.caption(parts.load_captioning, bound, lambda what, share: tell(what, share, {}))
            note(tell)
        with times.phase("filter", on_progress) as tell:
            scorer, threshold = catalogue.filter(
                parts.load_scorer, self.protocol.below, lambda what, share: tell(what, share, {})
            )
            note(tell)
        return catalogue.told(tagger, captioner, scorer, threshold), catalogue.folder

    def _works(self, works: RealWorks, annotated: Path) -> RealWorks:
        """The works of the artists with their tags and captions, without those that were filtered out."""
        if annotated == self.catalogue:
            return works
        found = RealWorks.read(annotated)
        for artist in self.protocol.artists:
            held_out, training = len(found.works(artist, held_out=True)), len(found.works(artist))
            if held_out < FEWEST_HELD_OUT or not training:
                before = len(works.works(artist, held_out=True)), len(works.works(artist))
                raise ImpastoError(
                    f"the filter leaves {held_out} of {before[0]} held-out and {training} of {before[1]} training works of"
                    f" {artist}, and {FEWEST_HELD_OUT} held-out ones are needed: give a lower --below or"
                    " --no-annotate, with another --out"
                )
        return replace(found, others=[entry for entry in works.everything if entry.artist not in self.protocol.artists])

    def _retrain(self, base: PaintingCheckpoint, catalogue: Path, tell: OnProgress) -> dict[str, PaintingCheckpoint]:
        """Retrains on each artist with each seed; returns artist, `named_with_seed` -> retrained checkpoint."""
        found = {}
        choices = as_asked(wang2023_artist(base.side), self.protocol.precision)

        def retraining(artist: str, seed: int) -> Retraining:
            return Retraining(
                "wang2023-artist", choices, catalogue, self.checkpoint, artist, self.protocol.minutes,
                self.protocol.training_seed + seed,
            )  # fmt: skip

        whole = [(artist, seed) for seed in range(self.protocol.seeds) for artist in self.protocol.artists]
        if self.spread is not HERE:
            wanted = [one for one in whole if one[0] not in self.runs]
            folders = [(retraining(*one), self.place.file("runs", folder_name(*one))) for one in wanted]
            retrain_side_by_side(folders, self.spread, tell)
        for number, (artist, seed) in enumerate(whole):
            run, name = self.runs.get(artist), named_with_seed(artist, seed)
            if run is None:
                each = progress_for(name, number, len(whole), tell)
                run = retrained(retraining(artist, seed), self.place.file("runs", folder_name(artist, seed)), each)
            found[name] = PaintingCheckpoint.of(str(run))
            if found[name].side != base.side:
                sides = f"{found[name].side} px and {self.checkpoint} {base.side}"
                raise ImpastoError(f"{run} paints {sides}: take a run of that checkpoint")
        return found

    def _asked(self, works: RealWorks, artist: str) -> list[Condition]:
        """The texts of the artist's held-out works, in turn."""
        held_out = works.works(artist, held_out=True)
        return [condition_of(held_out[k % len(held_out)]) for k in range(self.protocol.paintings)]

    def _figure_group(self, prompt: str) -> list[Condition]:
        """The conditions of one column of the figures: the same expansion in all its rows."""
        return [Condition(caption=prompt, artist=artist) for artist in ("", *self.protocol.artists)]

    def _expand(self, expansions: Expansions, works: RealWorks, bound: Bound, tell: OnShare) -> None:
        """Expands the figures' prompts with every seed of Table 2, then those of the measured paintings with the first."""
        seeds = self.protocol.expand_seeds
        for seed in seeds:
            expansions.expand([self._figure_group(prompt) for prompt in self.protocol.prompts], seed, tell)
        # By turns, so that a bound cuts the same share of each artist's.
        turns = zip(*(self._asked(works, artist) for artist in self.protocol.artists), strict=True)
        expansions.expand([[condition] for turn in turns for condition in turn], seeds[0], tell, bound)

    def _expanded(self, works: RealWorks, expansions: Expansions) -> dict[str, str]:
        """Full text of every measured prompt -> its expansion; "" if there is none."""
        seed = self.protocol.expand_seeds[0]
        asked = [condition for artist in self.protocol.artists for condition in self._asked(works, artist)]
        return {condition.text(): expansions.of([condition], seed) for condition in asked}

    def _plan(
        self, base: PaintingCheckpoint, sources: Mapping[str, PaintingCheckpoint], works: RealWorks, expansions: Expansions
    ) -> Sets:
        protocol, seed = self.protocol, self.protocol.expand_seeds[0]
        sets: Sets = {}

        def asks(conditions: Sequence[Condition], seeds: Sequence[int], richer: Sequence[str]) -> list[PaintingPrompt]:
            return [PaintingPrompt(*one) for one in zip(conditions, seeds, richer, strict=True)]

        for artist, turn in ((artist, turn) for turn in range(protocol.seeds) for artist in protocol.artists):
            conditions, name = self._asked(works, artist), named_with_seed(artist, turn)
            seeds = [protocol.seed + _SEEDS_APART * turn + k for k in range(protocol.paintings)]
            for checkpoint, source in zip(CHECKPOINTS, (base, sources[name]), strict=True):
                for prompts in PROMPTS:
                    folder = self.place.path / "paintings" / folder_name(artist, turn) / f"{checkpoint}-{prompts}"
                    richer = [expansions.of([one], seed) if prompts == "expanded" else "" for one in conditions]
                    sets[name, checkpoint, prompts] = plan_set(
                        folder, source, protocol.sampling, asks(conditions, seeds, richer)
                    )
        # As in the paper, the first row is the original checkpoint without an artist in the prompt.
        texts = [expansions.of(self._figure_group(prompt), seed) for prompt in protocol.prompts]
        for artist, source in (("", base), *((artist, sources[artist]) for artist in protocol.artists)):
            conditions = [Condition(caption=prompt, artist=artist) for prompt in protocol.prompts]
            for prompts in PROMPTS:
                folder = self.place.path / "paintings" / FIGURES / f"{folder_name(artist) or 'original'}-{prompts}"
                richer = texts if prompts == "expanded" else [""] * len(conditions)
                wanted = asks(conditions, [protocol.figure_seed] * len(conditions), richer)
                sets[f"{FIGURES}, {artist}", "", prompts] = plan_set(folder, source, protocol.sampling, wanted)
        return sets

    def _paint(self, sets: Sets, bound: Bound, tell: OnShare) -> Sets:
        """Paints the figures, then the measured sets; returns the sets, shortened alike if the time was up."""
        measured = {key: one for key, one in sets.items() if not key[0].startswith(FIGURES)}
        figures = [one for key, one in sets.items() if key not in measured]
        if bound.ends is None:
            paint_sets([*figures, *measured.values()], tell, spread=self.spread)
            return sets
        paint_sets(figures, lambda what, share: tell(f"figures, {what}", share), spread=self.spread)
        total, done = self.protocol.paintings, _complete(measured)
        while done < total and not (bound.is_over and done >= _FEWEST):
            end = min(total, (done // _ROUND + 1) * _ROUND)

            def on_share(what: str, share: float, begin: int = done, end: int = end) -> None:
                whole = (begin + (end - begin) * share) / total
                tell(what if what == "loading" else f"picture {int(whole * total * len(measured)) + 1}", whole)
                if begin >= _FEWEST:
                    bound.check()

            with suppress(TimeIsUp):
                paint_sets(
                    [replace(one, wanted=one.wanted[:end]) for one in measured.values()], on_share, spread=self.spread
                )
            before, done = done, _complete(measured)
            if done == before and not (bound.is_over and done >= _FEWEST):
                raise ImpastoError(f"the paintings in {self.place.path} are not found again after they were painted")
        return {key: replace(one, wanted=one.wanted[:done]) if key in measured else one for key, one in sets.items()}

    def _measure(self, works: RealWorks, sets: Sets, expansions: Expansions, data: AnnotatedData, tell: OnShare) -> Findings:
        features, scorer = self.parts.load_features(), self.parts.load_scorer()
        judge = Judge(works.everything, self.protocol.artists, tell, features, scorer, self.spread)
        found = judge_all(judge, self.protocol, works, sets, tell)
        facts: dict[str, tuple[int, TrainingFacts, bool]] = {}
        for seed in range(self.protocol.seeds):
            for artist in self.protocol.artists:
                run = self.runs.get(artist) or self.place.path / "runs" / folder_name(artist, seed)
                pictures = len(works.works(artist))
                facts[named_with_seed(artist, seed)] = (pictures, training_facts(run), artist in self.runs)
        asked = self._expanded(works, expansions)
        table_2 = {
            prompt: tuple(expansions.of(self._figure_group(prompt), seed) for seed in self.protocol.expand_seeds)
            for prompt in self.protocol.prompts
        }
        return Findings(
            judge, found.judged, found.held_out, facts, (sum(not text for text in asked.values()), len(asked)),
            expansions.late, table_2, data, len(sets[self.protocol.artists[0], "original", "plain"].wanted), found.again,
            found.pooled, tuple(sorted({sets[of, "retrained", "plain"].source.guider for of in self.protocol.artists})),
        )  # fmt: skip

    def _used(
        self,
        base: PaintingCheckpoint,
        sources: Mapping[str, PaintingCheckpoint],
        works: RealWorks,
        expansions: Expansions,
        judge: Judge,
    ) -> dict[str, str]:
        chosen = [entry for entry in [*works.training, *works.held_out] if entry.artist in self.protocol.artists]
        return manifest_of(
            base, {f"retrained on {artist}": source for artist, source in sources.items()}, judge,
            (self.catalogue.resolve().name, len(chosen), selection_hash(chosen)),
            {"prompts of the figures": list(self.protocol.prompts), "prompts and their expansions": expansions.known},
        )  # fmt: skip


def _complete(sets: Sets) -> int:
    """The number of paintings, from the first on, that all of the sets have on disk."""

    def begun(one: PaintingSet) -> int:
        missing = (n for n, wanted in enumerate(one.wanted) if not is_painted(wanted.file, wanted.record))
        return next(missing, len(one.wanted))

    return min(map(begun, sets.values()))


def check_study(study: Wang2023Study) -> None:
    """Checks the settings before any work starts.

    Raises:
        UsageError, MissingPart, ImpastoError: a number or a name is invalid.
    """
    protocol = study.protocol
    check_minutes(protocol.minutes)
    parse_bounds(protocol.bounds)
    study.parts.check()
    if not 1 <= protocol.seeds <= _MOST_SEEDS:
        raise UsageError(f"seeds {protocol.seeds}: use 1 to {_MOST_SEEDS}")
    if protocol.seeds > 1 and study.runs:
        raise UsageError(f"seeds {protocol.seeds} and runs: a run that is there has one seed; give only one of them")
    if protocol.below is not None and not -1 <= protocol.below <= 1:
        raise UsageError(f"--below {protocol.below:g}: a similarity lies between -1 and 1")
    side = PaintingCheckpoint.of(study.checkpoint).side
    as_asked(wang2023_artist(side), protocol.precision)
    source, prompt = PaintingCheckpoint(study.checkpoint, "", side), PaintingPrompt(Condition("x"), protocol.seed)
    plan_set(Path(), source, protocol.sampling, [prompt])
    for run in study.runs.values():
        inspect_checkpoint(str(run))


def needed_space(study: Wang2023Study) -> int:
    """Returns about how many bytes the whole reproduction takes."""
    info = inspect_checkpoint(study.checkpoint)
    artists, seeds = study.protocol.artists, study.protocol.seeds
    paintings = 4 * study.protocol.paintings * len(artists) * seeds
    return disk_space(info.bytes, (len(artists) - len(study.runs)) * seeds, paintings, info.default_size or 512)


def folder_name(artist: str, seed: int = 0) -> str:
    """Returns the artist's folder name, the same as `impasto train wang2023-masters` uses; of a further seed its own."""
    return f"{slug(artist)}-seed-{seed}" if seed else slug(artist) if artist else ""

"""Reproduces wu2022, figures 4 to 12: the same prompts by many artists, by the arms of an ablation, and extended prompts."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from impasto.checkpoints.listing import inspect_checkpoint
from impasto.checkpoints.size import is_small
from impasto.files import write_atomically
from impasto.painting.file_names import slug
from impasto.prompts.condition import Condition
from impasto.prompts.expansion.choices import ExpansionChoices
from impasto.reproduction.expansions import Expansions
from impasto.reproduction.manifest import manifest_of
from impasto.reproduction.measures import Judge, OnShare
from impasto.reproduction.parts import Parts
from impasto.reproduction.pictures import PaintingCheckpoint, PaintingPrompt, paint_sets, plan_set
from impasto.reproduction.protocols import EXTENSION, JOINT, NONE, TWO_STAGES, Wu2022
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
    held_out_loss,
    progress_for,
    retrained,
    training_facts,
)
from impasto.reproduction.workspace import OnProgress, PhaseTimes, Workspace
from impasto.reproduction.wu2022.figures import draw_figures
from impasto.reproduction.wu2022.findings import FIGURE_4, REAL, Extended, Findings, Sets
from impasto.reproduction.wu2022.report import wu2022_report
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes.wu2022 import wu2022_joint, wu2022_text_encoder

NAME = "wu2022"
_VALIDATE = "validate the original"
# Steps from one validation to the next: they give a curve of about ten points at either size.
_POCKET_EVERY, _LARGE_EVERY = 250, 10_000


@dataclass(frozen=True)
class _Stage:
    """One training of an arm: its folder, its recipe, its name in words, and its options."""

    arm: str
    folder: str
    recipe: str
    words: str
    choices: FineTuning
    minutes: float | None


@dataclass(frozen=True)
class Wu2022Study:
    """A protocol with its artists, catalogue, checkpoint and workspace; runs all phases of the reproduction.

    Attributes:
        artists: all artists in the prompts, including `protocol.four`.
        parts: the models besides the checkpoint.
    """

    protocol: Wu2022
    artists: tuple[str, ...]
    catalogue: Path
    checkpoint: str
    place: Workspace
    parts: Parts = field(default_factory=lambda: Parts(expansion=ExpansionChoices("wu2022")))

    def settings(self) -> dict[str, object]:
        """Returns all settings that must not change between one start and the next."""
        return {
            **asdict(self.protocol), **self.parts.settings(), "names": self.artists, "catalogue": self.catalogue,
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
        base = PaintingCheckpoint.of(self.checkpoint)
        stages = self._stages(base)
        phases = [_VALIDATE, "retrain"] if stages else []
        phases += ["expand"] if EXTENSION in self.protocol.arms else []
        times = PhaseTimes(self.place, [*phases, "paint", "measure", "figures"])
        sources, loss = {NONE: base}, None
        if stages:
            with times.phase(_VALIDATE, on_progress) as tell:
                loss = self._base_loss(stages[0].choices, tell)
            with times.phase("retrain", on_progress) as tell:
                sources |= self._retrain(stages, tell)
        texts: list[str] = []
        if EXTENSION in self.protocol.arms:
            with times.phase("expand", on_progress) as tell:
                texts = self._extend(lambda what, share: tell(what, share, {}))
        sets = self._plan(sources, texts)
        with times.phase("paint", on_progress) as tell:
            paint_sets(list(sets.values()), lambda what, share: tell(what, share, {}))
        with times.phase("measure", on_progress) as tell:
            found = self._measure(works, sets, stages, loss, texts, lambda what, share: tell(what, share, {}))
        with times.phase("figures", on_progress) as tell:
            tell("drawing", 0.0, {})
            draw_figures(self.protocol, self.artists, self.place.file(REPORT_FOLDER, "figures").parent, sets, found)
        chosen = [*works.training, *(entry for entry in works.held_out if entry.artist in self.artists)]
        used = manifest_of(
            base, {f"arm {arm}": source for arm, source in sources.items() if arm != NONE}, found.judge,
            (self.catalogue.resolve().name, len(chosen), selection_hash(chosen)),
            {
                "prompts": list(self.protocol.prompts), "prompts of figure 4": list(self.protocol.figure_4_prompts),
                **({"extended prompts": texts} if texts else {}),
            },
        )  # fmt: skip
        report = wu2022_report(self.protocol, self.checkpoint, base.side, self.parts, found, times.seconds, used)
        write_report(report, self.place.path / REPORT_FOLDER)
        write_numbers(report, self.place.path / "report.json")
        return report

    def _stages(self, base: PaintingCheckpoint) -> list[_Stage]:
        """The trainings of all arms, in order; a stage of "two-stages" begins with the result of the one before it."""
        every = _POCKET_EVERY if is_small(base.side) else _LARGE_EVERY
        protocol, minutes = self.protocol, self.protocol.minutes
        recipes = (wu2022_text_encoder, wu2022_joint)
        first, second = (as_asked(one(base.side), protocol.precision, validation_every=every) for one in recipes)
        # As long as both stages together, so that the arms differ in the order of training alone.
        whole = replace(second, epochs=first.epochs + second.epochs)
        stages = []
        if JOINT in protocol.arms:
            twice = None if minutes is None else 2 * minutes
            stages.append(_Stage(JOINT, "joint-only", "wu2022-joint", "text encoder and U-Net", whole, twice))
        if TWO_STAGES in protocol.arms:
            stages.append(
                _Stage(TWO_STAGES, "wu2022-text-encoder", "wu2022-text-encoder", "text encoder", first, minutes)
            )  # fmt: skip
            stages.append(
                _Stage(TWO_STAGES, "wu2022-joint", "wu2022-joint", "then text encoder and U-Net", second, minutes)
            )  # fmt: skip
        return stages

    def _base_loss(self, choices: FineTuning, tell: OnProgress) -> float | None:
        """The original checkpoint's loss on held-out pictures; None if it cannot be computed."""
        path = self.place.file("original-validation.json")
        try:
            return json.loads(path.read_text("utf-8"))["validation"]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        loss = held_out_loss(self.catalogue, self.checkpoint, choices, self.place.path, tell)
        write_atomically(path, json.dumps({"validation": loss}).encode())
        return loss

    def _retrain(self, stages: Sequence[_Stage], tell: OnProgress) -> dict[str, PaintingCheckpoint]:
        """Trains all stages; returns arm -> the checkpoint after its last stage."""
        results: dict[str, str] = {}
        for number, stage in enumerate(stages):
            what = Retraining(
                stage.recipe, stage.choices, self.catalogue, results.get(stage.arm, self.checkpoint),
                minutes=stage.minutes, seed=self.protocol.training_seed,
            )  # fmt: skip
            progress = progress_for(f"{stage.arm}, {stage.words}", number, len(stages), tell)
            results[stage.arm] = str(retrained(what, self.place.file("runs", stage.folder), progress))
        return {arm: PaintingCheckpoint.of(run) for arm, run in results.items()}

    def _extend(self, tell: OnShare) -> list[str]:
        """The extended prompts of the initial prompt, best first, with room for every artist's name."""
        protocol = self.protocol
        expansions = Expansions(self.place.file("expansions.json"), self.parts.expansion, protocol.extended)
        group = [Condition(caption=protocol.prompts[0], artist=artist) for artist in self.artists]
        expansions.expand([group], protocol.expand_seed, tell)
        return expansions.all_of(group, protocol.expand_seed)

    def _plan(self, sources: Mapping[str, PaintingCheckpoint], texts: Sequence[str]) -> Sets:
        protocol, paintings = self.protocol, self.place.path / "paintings"
        sets: Sets = {}
        seeds = [protocol.seed + k for k in range(protocol.paintings)]
        for arm, source in sources.items():
            asks = [
                PaintingPrompt(Condition(caption=prompt, artist=artist), seed)
                for artist in self.artists
                for prompt in protocol.prompts
                for seed in seeds
            ]
            sets["all", arm] = plan_set(paintings / arm, source, protocol.sampling, asks)
            for artist in (*([""] if arm == NONE else []), *protocol.four):
                conditions = [Condition(caption=text, artist=artist) for text in protocol.figure_4_prompts]
                asks = [PaintingPrompt(condition, protocol.seed) for condition in conditions]
                folder = paintings / FIGURE_4 / f"{slug(artist) if artist else 'no-artist'}-{arm}"
                sets[f"{FIGURE_4} {artist}", arm] = plan_set(folder, source, protocol.sampling, asks)
        if EXTENSION in protocol.arms:
            arm = list(sources)[-1]
            own = [n for n in range(len(sets["all", arm].wanted)) if n // len(seeds) % len(protocol.prompts) == 0]
            initial = sets["all", arm]
            sets["initial", arm] = replace(initial, wanted=tuple(initial.wanted[n] for n in own))
            for number, text in enumerate(texts, 1):
                asks = [
                    PaintingPrompt(Condition(caption=protocol.prompts[0], artist=artist), seed, text)
                    for artist in self.artists
                    for seed in seeds
                ]
                folder = paintings / EXTENSION / str(number)
                sets[f"extended {number}", arm] = plan_set(folder, sources[arm], protocol.sampling, asks)
        return sets

    def _measure(
        self,
        works: RealWorks,
        sets: Sets,
        stages: Sequence[_Stage],
        loss: float | None,
        texts: Sequence[str],
        tell: OnShare,
    ) -> Findings:
        judge = Judge(works.everything, self.artists, tell, self.parts.load_features(), self.parts.load_scorer())
        held_out = [entry for artist in self.artists for entry in works.works(artist, held_out=True)]
        real = judge.features("held-out works", held_out)
        arms = [arm for of, arm in sets if of == "all"]
        judged = {arm: judge.judge_set(f"all, {arm}", sets["all", arm], real)[0] for arm in arms}
        everything = [entry for artist in self.artists for entry in works.works(artist)]
        floor = judge.features("training pictures", evenly_spread(everything, len(sets["all", NONE].wanted)))
        judged[REAL] = judge.judge_rows(floor, real, [entry.artist for entry in floor.entries])
        facts: dict[tuple[str, str], TrainingFacts] = {
            (stage.arm, stage.words): training_facts(self.place.path / "runs" / stage.folder) for stage in stages
        }
        asked = tuple(one.request.condition.artist for one in sets["all", NONE].wanted)
        extended = None
        if EXTENSION in self.protocol.arms:
            arm = arms[-1]
            names = ["initial", *(f"extended {number}" for number in range(1, len(texts) + 1))]
            each = [judge.judge_series(name, sets[name, arm]) for name in names]
            extended = Extended(arm, (self.protocol.prompts[0], *texts), tuple(each), self.protocol.extended)
        captioned = sum(bool(entry.caption) for entry in works.training)
        counts = Counter(entry.artist for entry in works.everything if entry.artist)
        return Findings(
            judge, judged, asked, len(real.rows), len(works.training), captioned, loss, facts, extended,
            tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
        )  # fmt: skip


def choose_artists(protocol: Wu2022, works: RealWorks, named: tuple[str, ...] | None) -> tuple[Wu2022, tuple[str, ...]]:
    """Returns the protocol and the artists for this catalogue.

    The artists are those in `named`, of whom the first four are in figures 4 to 8. If `named` is None, they are the paper's
    four artists, followed by those with the most works.

    Raises:
        UsageError, ImpastoError: the same as `RealWorks.find`.
    """
    found = works.find_all(named or protocol.four)
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
    study.parts.check()
    side = PaintingCheckpoint.of(study.checkpoint).side
    as_asked(wu2022_text_encoder(side), protocol.precision)
    source, prompt = PaintingCheckpoint(study.checkpoint, "", side), PaintingPrompt(Condition("x"), protocol.seed)
    plan_set(Path(), source, protocol.sampling, [prompt])


def needed_space(study: Wu2022Study) -> int:
    """Returns about how many bytes the whole reproduction takes."""
    info = inspect_checkpoint(study.checkpoint)
    protocol = study.protocol
    runs = (JOINT in protocol.arms) + 2 * (TWO_STAGES in protocol.arms)
    sets = len(protocol.prompts) * (len(protocol.arms) - (EXTENSION in protocol.arms))
    sets += protocol.extended if EXTENSION in protocol.arms else 0
    paintings = sets * protocol.paintings * len(study.artists)
    return disk_space(info.bytes, runs, paintings, info.default_size or 512)

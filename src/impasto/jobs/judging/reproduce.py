"""The jobs that reproduce a paper's tables and figures, in a workspace that can be resumed after a stop."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import model_validator

from impasto.errors import StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context

if TYPE_CHECKING:
    from impasto.reproduction.parts import Parts
    from impasto.reproduction.real_works import RealWorks
    from impasto.reproduction.wang2023.study import Wang2023Study
    from impasto.reproduction.wu2022.study import Wu2022Study


@dataclass(frozen=True)
class Reproduction:
    """The result of a reproduction.

    Attributes:
        folder: the workspace folder.
        report: the HTML page.
        header, rows: the table like the paper's; empty if an earlier report cannot be read.
        was_complete: whether the folder already held a complete report, so that nothing was done.
    """

    folder: Path
    report: Path
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    was_complete: bool = False


class ReproduceJob(Job):
    """Base class of both papers' jobs, with their common fields; None means the protocol's own value.

    Attributes:
        catalogue: a folder of real paintings with metadata.
        checkpoint: the checkpoint to retrain.
        quick: runs a small version: on two cores wang2023 takes 75 minutes at most, wu2022 about an hour.
        artists: other artists, by the catalogue's names.
        minutes: minutes of each retraining; None for the recipe's epochs, or a few minutes with `quick`.
        paintings: number of paintings in each set.
        sampler, steps, guidance: sampling settings of all paintings.
        precision: precision of the retraining: fp32, bf16, fp16 or "".
        expansion: the expansion method, "wang2023" or "wu2022"; None for the paper's own.
        prompt_model: for the expansion of wang2023, a prompt model's folder (`impasto train prompt-model`) or name ("gpt2").
        index: for the expansion of wu2022, a folder written by `impasto knowledge build`.
        expand_seed: seed of the language models; Table 2 of wang2023 has this one and the next two.
        expansion_config: a .toml or .json file of `ExpansionSettings`: models by role, lambda1, lambda2, term table.
        features: what sees the pictures for distances, as `EvaluateJob` takes it.
        weights: the file with Inception's weights.
        scorer: what compares texts and pictures: "pocket", or a folder with CLIP; None for pocket.
        command: the words of the command line that started it, for `impasto runs`.
    """

    catalogue: Path
    checkpoint: str = "pocket"
    quick: bool = False
    out: Path
    artists: tuple[str, ...] | None = None
    minutes: float | None = None
    paintings: int | None = None
    sampler: str | None = None
    steps: int | None = None
    guidance: float | None = None
    precision: str = ""
    expansion: str | None = None
    prompt_model: str | None = None
    index: Path | None = None
    expand_seed: int = 0
    expansion_config: Path | None = None
    features: str = "efficientnet-lite2"
    weights: Path | None = None
    scorer: str | None = None
    command: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> "ReproduceJob":
        if self.artists is not None and not [name for name in self.artists if name.strip()]:
            raise UsageError("--artists is empty: name one or more, with commas between")
        if self.paintings is not None and self.paintings < 1:
            raise UsageError(f"paintings {self.paintings}: use 1 or more")
        if not 0 <= self.expand_seed < 2**31:
            raise UsageError(f"expand_seed {self.expand_seed}: use 0 to {2**31 - 1}")
        return self

    @property
    def named(self) -> tuple[str, ...] | None:
        """The artists' names as the user gave them."""
        return None if self.artists is None else tuple(name.strip() for name in self.artists if name.strip())

    def parts(self, method: str, tagger: str | None = None, captioner: str | None = None) -> "Parts":
        """Returns the models by their names; `method` is the paper's own expansion.

        Raises:
            UsageError, MissingPart, ImpastoError: what measures at the end is not on this machine, told at the start.
        """
        from impasto.evaluation.features import find_extractor
        from impasto.prompts.expansion.choices import ExpansionChoices
        from impasto.reproduction.model_checks import check_models
        from impasto.reproduction.parts import Parts
        from impasto.vision.scorers.interface import check_scorer

        find_extractor(self.features, self.weights)
        check_scorer(self.scorer)
        expansion = ExpansionChoices(
            self.expansion or method, index=self.index, model=None if self.prompt_model is None else Path(self.prompt_model),
            seed=self.expand_seed, config=self.expansion_config,
        )  # fmt: skip
        parts = Parts(tagger, captioner, self.scorer, self.features, self.weights, expansion)
        parts.check()
        check_models(parts)
        return parts

    def read_works(self, context: Context) -> "RealWorks":
        """Reads the catalogue's works.

        Raises:
            ImpastoError: the same as `RealWorks.read`.
        """
        from impasto.reproduction.real_works import RealWorks

        context.progress(f"reading {self.catalogue}", 0.0)
        return RealWorks.read(self.catalogue)

    def go_through(
        self, study: "Wang2023Study | Wu2022Study", name: str, works: "RealWorks", needed: int, context: Context
    ) -> Reproduction:
        """Locks the study's folder and runs all phases.

        Raises:
            UsageError, MissingPart, ImpastoError: the same as the parts of the phases.
            StoppedError: the job was stopped; the same job resumes from what is kept.
        """
        place = study.place
        page = place.path / "report" / "report.html"
        if place.path.exists() and not place.path.is_dir():
            raise UsageError(f"--out {place.path} is not a folder")
        with place.begin(f"reproduce-{name}", self.command, study.settings(), 0, changeable=("bounds", "seeds")):
            if place.is_complete:
                header, rows = _earlier_table(place.path, context)
                return Reproduction(place.path, page, header, rows, was_complete=True)
            place.check_space(needed)

            def on_progress(what: str, share: float, figures: dict[str, float]) -> None:
                if what.startswith(("skipped ", "lacking ")):
                    context.note(what)
                else:
                    context.progress(what, share, **figures)

            try:
                report = study.reproduce(works, on_progress)
            except KeyboardInterrupt:
                raise StoppedError(f"stopped: the same command goes on from what is kept in {place.path}") from None
        return Reproduction(place.path, page, tuple(report.table.header), tuple(map(tuple, report.table.rows)))


class Wang2023Job(ReproduceJob):
    """Reproduces tables 1 to 3 and figures 7 to 11 of wang2023.

    Its phases: tag, caption and filter the artists' pictures, retrain for each artist, expand prompts, paint, measure, draw.

    Attributes:
        runs: artist -> a retrained checkpoint that already exists.
        annotate: whether the pictures are tagged, captioned and filtered first (section 4.1), in a catalogue of its own.
        tagger, captioner: as `TagJob` and `CaptionJob` take them; None for pocket.
        below: the similarity, -1 to 1, below which a pair of picture and caption is removed; None for the scorer's own.
        bounds: phase ("caption", "expand", "paint") -> minutes that it may take at most; None for the protocol's.
        seeds: how often all is retrained and painted, each time with other seeds, 1 to 20; more of them extend a
            reproduction that is there.
    """

    kind: ClassVar[str] = "reproduce/wang2023"

    out: Path = Path("reports/wang2023")
    runs: Mapping[str, Path] = {}
    annotate: bool = True
    tagger: str | None = None
    captioner: str | None = None
    below: float | None = None
    bounds: Mapping[str, float] | None = None
    seeds: int = 1

    def __hash__(self) -> int:
        return hash(self.to_json())  # a mapping of its own has no hash

    def run(self, context: Context) -> Reproduction:
        """See `ReproduceJob.go_through`."""
        from impasto.reproduction.pictures import PaintingCheckpoint
        from impasto.reproduction.protocols import wang2023_protocol
        from impasto.reproduction.wang2023.study import NAME, Wang2023Study, check_study, needed_space
        from impasto.reproduction.workspace import Workspace

        protocol = wang2023_protocol(PaintingCheckpoint.of(self.checkpoint).side, quick=self.quick)
        sampling = changed(protocol.sampling, sampler=self.sampler, steps=self.steps, guidance=self.guidance)
        seeds = tuple(self.expand_seed + seed for seed in protocol.expand_seeds)
        protocol = changed(
            protocol, sampling=sampling, minutes=self.minutes, paintings=self.paintings, precision=self.precision or None,
            annotates=self.annotate, below=self.below, expand_seeds=seeds, bounds=self.bounds, seeds=self.seeds,
        )  # fmt: skip
        parts = self.parts("wang2023", self.tagger, self.captioner)
        study = Wang2023Study(protocol, self.catalogue, self.checkpoint, Workspace(self.out), parts)
        check_study(study)
        if protocol.paintings < 3:
            raise UsageError(f"paintings {protocol.paintings}: use 3 or more, there is nothing to compare in fewer")
        works = self.read_works(context)
        artists = works.find_all(self.named or protocol.artists)
        runs: dict[str, Path] = {}
        for given, run in self.runs.items():
            artist = works.find(given)
            if artist not in artists:
                raise UsageError(f"--runs {f'{given}={run}'!r}: {artist} is not among the artists of this reproduction")
            runs[artist] = run
        study = replace(study, protocol=replace(protocol, artists=artists), runs=runs, spread=context.spread)
        check_study(study)
        return self.go_through(study, NAME, works, needed_space(study), context)


class Wu2022Job(ReproduceJob):
    """Reproduces figures 4 to 12 of wu2022: paints the same prompts by every arm of an ablation.

    Attributes:
        artists: the artists; the first four are in figures 4 to 8.
        paintings: number of paintings of each prompt by each artist.
        eta: 0 to 1; for ddim only.
        arms: of "none" (the original), "joint" (text encoder and U-Net at once), "two-stages" (the paper's: the text
            encoder first, then both) and "extension" (extended prompts, by the last checkpoint); None for all. "none" is
            always among them.
        extended: for the arm "extension": number of extended prompts, 1 to 20; None for 3.
    """

    kind: ClassVar[str] = "reproduce/wu2022"

    out: Path = Path("reports/wu2022")
    eta: float | None = None
    arms: tuple[str, ...] | None = None
    extended: int | None = None

    @model_validator(mode="after")
    def _check_arms(self) -> "Wu2022Job":
        from impasto.reproduction.protocols import parse_arms

        if self.arms is not None:
            parse_arms(self.arms)
        if self.extended is not None and not 1 <= self.extended <= 20:
            raise UsageError(f"extended {self.extended}: use 1 to 20")
        return self

    def run(self, context: Context) -> Reproduction:
        """See `ReproduceJob.go_through`."""
        from impasto.reproduction.pictures import PaintingCheckpoint
        from impasto.reproduction.protocols import parse_arms, wu2022_protocol
        from impasto.reproduction.workspace import Workspace
        from impasto.reproduction.wu2022.study import NAME, Wu2022Study, check_study, choose_artists, needed_space

        protocol = wu2022_protocol(PaintingCheckpoint.of(self.checkpoint).side, quick=self.quick)
        # The protocol's eta is for ddim only.
        eta = 0.0 if self.sampler not in (None, "ddim") and self.eta is None else self.eta
        sampling = changed(protocol.sampling, sampler=self.sampler, steps=self.steps, guidance=self.guidance, eta=eta)
        protocol = changed(
            protocol, sampling=sampling, minutes=self.minutes, paintings=self.paintings, precision=self.precision or None,
            arms=None if self.arms is None else parse_arms(self.arms), extended=self.extended, expand_seed=self.expand_seed,
        )  # fmt: skip
        study = Wu2022Study(protocol, (), self.catalogue, self.checkpoint, Workspace(self.out), self.parts("wu2022"))
        check_study(study)
        works = self.read_works(context)
        protocol, found = choose_artists(protocol, works, self.named)
        study = replace(study, protocol=protocol, artists=found)
        return self.go_through(study, NAME, works, needed_space(study), context)


def changed(choices: Any, **given: Any) -> Any:
    """Returns a copy of the dataclass with those given values that are not None."""
    return replace(choices, **{name: value for name, value in given.items() if value is not None})


def _earlier_table(folder: Path, context: Context) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The table of a reproduction that was already complete."""
    context.note(f"{folder}: already complete; to measure and write it again, remove report.json there")
    try:
        table = json.loads((folder / "report.json").read_text("utf-8"))["table"]
        return tuple(table["header"]), tuple(tuple(row) for row in table["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        context.note(f"{folder / 'report.json'} cannot be read: remove it, and give the same command again")
        return (), ()

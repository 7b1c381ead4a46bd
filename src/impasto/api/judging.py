"""Python API of evaluation: distances to real pictures, copies of training pictures, and reproduction of a paper."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from impasto.api.painting import PictureFields
from impasto.api.session import OnEvent, ShouldStop, as_path, as_words, run_job

if TYPE_CHECKING:
    from impasto.evaluation.memorization.search import MemorizationReport
    from impasto.jobs.judging.edits import EditsEvaluation
    from impasto.jobs.judging.folders import Evaluation
    from impasto.jobs.judging.reproduce import Reproduction
    from impasto.jobs.judging.sweep import Sweep


def evaluate(
    *paintings: str | Path,
    against: str | Path,
    features: str = "efficientnet-lite2",
    measures: Sequence[str] | None = None,
    artist: str | None = None,
    held_out: bool = False,
    count: int | None = None,
    allow_few: bool = False,
    seed: int = 0,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
) -> "Evaluation":
    """Measures folders of paintings against a folder of real pictures.

    Each value has an interval, or the reason why there is none.

    Args:
        paintings: one or more folders of paintings.
        against: the folder of real pictures.
        features: the feature extractor: efficientnet-lite2, inception, dinov2, clip, or a folder.
        measures: only these measures; None for all that fit the features.
        artist: compares only with this artist's real pictures.
        held_out: compares only with pictures that are held out of training.
        count: number of pictures of each folder, chosen by `seed`; None for all.
        allow_few: computes a measure even if there are fewer pictures than it needs.

    Raises:
        UsageError, MissingPart, ImpastoError: the evaluation failed; the message is one sentence.
        StoppedError: `should_stop` returned True, or the user pressed Ctrl-C.
    """
    from impasto.jobs.judging.evaluate import EvaluateJob

    job = EvaluateJob(
        paintings=tuple(as_path("paintings", folder) for folder in paintings), against=as_path("against", against),
        features=features, measures=as_words("measures", measures), artist=artist, held_out=held_out, count=count,
        allow_few=allow_few, seed=seed,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)


def sweep(
    axis: str,
    *,
    prompts: str | Path | Sequence[str],
    real: str | Path,
    count: int = 8,
    out: str | Path = "sweep",
    features: str = "efficientnet-lite2",
    measures: Sequence[str] | None = None,
    held_out: bool = False,
    scorer: str | Path | None = None,
    allow_few: bool = False,
    batch: int | None = None,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
    **picture: Unpack[PictureFields],
) -> "Sweep":
    """Paints prompts along one setting, measures each value against real paintings, and draws the curve.

    All values have the same prompts and seeds. After a stop, or with more values, calling it again paints only what is
    missing.

    Args:
        axis: "guidance=1.5:8", "guidance=1.5:8:1.5", "steps=5,10,20", "sampler=ddim,dpm++" and the like.
        prompts: a file with one prompt per line, or a list of prompts.
        real: the folder of real pictures; with an `artist` of whom it holds works, only these are compared with.
        count: number of paintings of each prompt at each value.
        out: the folder of the paintings and the report.
        features, measures, held_out, scorer, allow_few: see `evaluate`.
        picture: further settings of the paintings, see `impasto.paint`.

    Raises:
        UsageError, MissingPart, ImpastoError, StoppedError: the same as `paint` and `evaluate`.
    """
    from impasto.jobs.judging.sweep import SweepJob

    texts = (f"@{prompts}",) if isinstance(prompts, str | Path) else as_words("prompts", prompts)
    fields: Any = {**picture, "prompts": texts or (), "scorer": scorer}  # paths become text
    job = SweepJob(
        sweep=axis, real=as_path("real", real), count=count, out=as_path("out", out), features=features,
        measures=as_words("measures", measures), held_out=held_out, allow_few=allow_few, batch=batch, **fields,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)


def evaluate_edits(
    folder: str | Path,
    *,
    scorer: str | Path | None = None,
    source: str | Path | None = None,
    describe: str = "",
    timed: bool = True,
    out: str | Path | None = None,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
) -> "EditsEvaluation":
    """Measures the edited pictures of a folder, and writes `edits.json` and `edits.csv` into it, or into `out`.

    Args:
        scorer: what compares with texts: None for the built-in one, or CLIP's folder.
        source: the folder of the pictures before, if they are neither beside nor where they were.
        describe: what these show, where their own records do not say it.
        timed: whether a batch of each way of editing is painted again to measure seconds.

    Raises:
        UsageError, MissingPart, ImpastoError, StoppedError: the same as `evaluate`.
    """
    from impasto.jobs.judging.edits import EvaluateEditsJob

    job = EvaluateEditsJob(
        folder=as_path("folder", folder), scorer=None if scorer is None else str(scorer),
        source=None if source is None else as_path("source", source), describe=describe, timed=timed,
        out=None if out is None else as_path("out", out),
    )  # fmt: skip
    return run_job(job, on_event, should_stop)


def find_copies(
    paintings: str | Path,
    training: str | Path,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    false_alarms: float | None = None,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
) -> "MemorizationReport":
    """Finds the most similar training picture of each painting, and reports which paintings are copies.

    Args:
        paintings: a folder of pictures, or one picture.
        training: a catalogue, or an index written by `impasto data copy-index`.
        out: an .html page of the pairs.
        false_alarms: the share of held-out real works that may be classified as copies; None for 0.005.

    Raises:
        UsageError, MissingPart, ImpastoError, StoppedError: the same as `evaluate`.
    """
    from impasto.jobs.judging.memorization import MemorizationJob

    job = MemorizationJob(
        paintings=as_path("paintings", paintings), training=as_path("training", training),
        out=None if out is None else as_path("out", out), overwrite=overwrite, false_alarms=false_alarms,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)


class ReproduceFields(TypedDict, total=False):
    """The settings of a reproduction; see `impasto.jobs.judging.reproduce`, `Wang2023Job` and `Wu2022Job`."""

    checkpoint: str
    quick: bool
    minutes: float | None
    paintings: int | None
    sampler: str | None
    steps: int | None
    guidance: float | None
    precision: str
    expansion: str | None
    prompt_model: str | None
    index: str | Path | None
    expand_seed: int
    expansion_config: str | Path | None
    features: str
    weights: str | Path | None
    scorer: str | None
    # wang2023's alone:
    annotate: bool
    tagger: str | None
    captioner: str | None
    below: float | None
    bounds: Mapping[str, float] | None
    seeds: int
    # wu2022's alone:
    eta: float | None
    extended: int | None


def reproduce(
    paper: str,
    catalogue: str | Path,
    *,
    out: str | Path | None = None,
    artists: Sequence[str] | None = None,
    runs: Mapping[str, str | Path] | None = None,
    arms: Sequence[str] | None = None,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
    **settings: Unpack[ReproduceFields],
) -> "Reproduction":
    """Reproduces a paper's tables and figures, "wang2023" or "wu2022"; after a stop, calling it again resumes.

    Args:
        runs: for wang2023, artist -> a retrained checkpoint that already exists.
        arms: for wu2022, some of "none", "joint", "two-stages", "extension"; None for all.
        settings: fields of the job, such as `quick` (about an hour on two cores) or `minutes` (of each retraining).

    Raises:
        UsageError, MissingPart, ImpastoError, StoppedError: the same as `evaluate`; or a setting is the other paper's.
    """
    from impasto.errors import UsageError
    from impasto.jobs.judging.reproduce import Wang2023Job, Wu2022Job

    jobs = {"wang2023": Wang2023Job, "wu2022": Wu2022Job}
    if paper not in jobs:
        raise UsageError(f"there is no paper {paper!r}: use wang2023 or wu2022")
    given: dict[str, Any] = {
        name: as_path(name, value) if name in ("index", "weights", "expansion_config") and isinstance(value, str) else value
        for name, value in settings.items()
    }
    if runs is not None:
        given["runs"] = {artist: as_path("runs", run) for artist, run in runs.items()}
    if arms is not None:
        given["arms"] = as_words("arms", arms)
    for name in given:
        if name not in jobs[paper].model_fields and any(name in job.model_fields for job in jobs.values()):
            raise UsageError(f"{name} is for {next(other for other in jobs if other != paper)}")
    job = jobs[paper](
        catalogue=as_path("catalogue", catalogue), artists=as_words("artists", artists),
        out=as_path("out", out) if out is not None else Path("reports") / paper, **given,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)

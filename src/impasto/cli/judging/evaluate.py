"""`impasto evaluate`: measures folders of paintings against real pictures and prints the results side by side."""

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.console import say, say_json, say_note, say_table
from impasto.cli.fleet_options import with_fleet
from impasto.cli.judging.edits import check_no_edits, evaluate_edits
from impasto.cli.judging.sweep import (
    Batch,
    SweepPrompts,
    SweepWords,
    check_no_sweep,
    evaluate_sweep,
    with_sweep,
)
from impasto.cli.painting.picture_options import CopyFeatures, PictureOptions
from impasto.cli.run_job import run_job
from impasto.errors import UsageError
from impasto.evaluation.labels import label

if TYPE_CHECKING:
    from impasto.evaluation.estimate import Measured
    from impasto.jobs.judging.folders import Evaluation

_edits = partial(typer.Option, rich_help_panel="Edits")


@with_fleet
@with_sweep
def evaluate(
    *,
    painting: PictureOptions,
    paintings: Annotated[
        list[Path] | None, typer.Argument(help="Folders of paintings, one or more.", metavar="PAINTINGS...")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", "--real", help="A folder of real pictures, with metadata or without.", metavar="CATALOGUE"
        ),
    ] = None,
    memorization: Annotated[
        Path | None,
        typer.Option(help="Find copies of a catalogue's pictures, or of a copy index's.", metavar="CATALOGUE|INDEX"),
    ] = None,
    features: Annotated[
        str,
        typer.Option(
            help="What sees the pictures: efficientnet-lite2, inception, dinov2, clip, or a folder.", metavar="NAME|DIR"
        ),
    ] = "efficientnet-lite2",
    weights: Annotated[
        Path | None, typer.Option(help="Inception's weights (pt_inception-2015-12-05-6726825d.pth).", metavar="FILE")
    ] = None,
    measures: Annotated[
        str | None,
        typer.Option(help="Only these: frechet, kernel, precision, density, inception-score, diversity, similarity, style."),
    ] = None,
    artist: Annotated[
        str | None, typer.Option(help="Only this artist's real pictures; with --sweep, paint so, too.", metavar="NAME")
    ] = None,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Only real pictures that training here holds out.")
    ] = False,
    count: Annotated[
        int | None,
        typer.Option(min=1, help="Only so many pictures of each folder, by --seed; of --sweep, so many of each prompt, 8."),
    ] = None,
    scorer: Annotated[
        str | None, typer.Option(help="What compares with prompts: pocket, or CLIP's folder.", metavar="NAME|DIR")
    ] = None,
    allow_few: Annotated[
        bool, typer.Option("--allow-few", help="Give also what too few pictures are refused for.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is left to chance.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="With --memorization: the page of the pairs. With --sweep: the folder, sweep/ if not given.",
            metavar="FILE.html|DIR",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace that page.")] = False,
    copy_features: CopyFeatures = "efficientnet-lite2",
    false_alarms: Annotated[
        float | None, typer.Option(help="Share of held-out real works that may be called copies; 0.005 if not given.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    edits: Annotated[
        Path | None, _edits(help="Measure the edited pictures of this folder: no --against.", metavar="FOLDER")
    ] = None,
    source: Annotated[
        Path | None, _edits(help="Where the pictures before are, if not beside or where they were.", metavar="DIR")
    ] = None,
    describe: Annotated[str, _edits(help="What these show, where no record says it.", metavar="TEXT")] = "",
    no_time: Annotated[bool, _edits("--no-time", help="Paint nothing again to measure seconds.")] = False,
    sweep: SweepWords = "",
    prompts: SweepPrompts = "",
    batch: Batch = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge paintings: distances to real pictures, precision and recall, diversity, whether prompt and artist are met.

    With --sweep, paint them first, along one setting, and draw the curve.
    """
    if edits is not None:
        if paintings or against is not None or memorization is not None or sweep or measures is not None:
            raise UsageError("--edits measures one folder of edited pictures, and without --against: leave the others away")
        check_no_sweep(painting, prompts, batch)
        evaluate_edits(
            edits, scorer=scorer, source=source, describe=describe, timed=not no_time, out=out, device=device,
            as_json=as_json,
        )  # fmt: skip
        return
    check_no_edits(describe, source, no_time)
    chosen = tuple(part.strip() for part in measures.split(",")) if measures is not None else None
    if sweep:
        if paintings or memorization is not None or overwrite or false_alarms is not None:
            raise UsageError("--sweep paints itself: leave PAINTINGS, --memorization and its options away")
        if against is None:
            raise UsageError("say what to compare with: --real CATALOGUE")
        evaluate_sweep(
            painting, artist=artist, out=out, count=count, as_json=as_json, sweep=sweep,
            prompts=(f"@{prompts.removeprefix('@')}",) if prompts else (), real=against,
            features=features, weights=weights, measures=chosen, held_out=held_out, scorer=scorer, allow_few=allow_few,
            seed=seed, device=device, batch=batch,
        )  # fmt: skip
        return
    check_no_sweep(painting, prompts, batch)
    if not paintings:
        raise UsageError("there is nothing to evaluate: name one folder of paintings or more, or give --sweep")
    if memorization is not None:
        from impasto.cli.judging.memorization import evaluate_copies

        if against is not None or len(paintings) > 1:
            raise UsageError("--memorization looks at one folder of paintings, and without --against")
        evaluate_copies(
            paintings[0], memorization, out=out, overwrite=overwrite, features=copy_features, false_alarms=false_alarms,
            as_json=as_json,
        )  # fmt: skip
        return
    if out is not None or overwrite or false_alarms is not None:
        raise UsageError("--out, --overwrite and --false-alarms go with --memorization, and --out with --sweep")
    from impasto.jobs.judging.evaluate import EvaluateJob, check_measures

    check_measures(chosen)
    if against is None:
        raise UsageError("say what to compare with: --against CATALOGUE, or --memorization CATALOGUE")
    job = EvaluateJob(
        paintings=tuple(paintings), against=against, features=features, weights=weights, measures=chosen, artist=artist,
        held_out=held_out, count=count, scorer=scorer, allow_few=allow_few, seed=seed, device=device,
    )  # fmt: skip
    found = run_job(job, begin="looking at pictures")
    if as_json:
        say_json(_as_json(found))
    else:
        _print(found)


def _as_json(found: "Evaluation") -> dict[str, Any]:
    return {
        "against": {"folder": found.against, "pictures": found.real_pictures},
        "features": {"name": found.extractor, "identity": found.identity, "width": found.width, "fid": found.is_fid},
        "level": found.level,
        "paintings": [
            {
                "folder": judged.folder,
                "pictures": judged.pictures,
                "measures": {name: asdict(measured) for name, measured in judged.measures.items()},
            }
            for judged in found.judged
        ],
        "notes": found.notes,
    }


def _print(found: "Evaluation") -> None:
    say(f"{found.real_pictures} pictures of {found.against}, seen by {found.extractor} ({found.width} features)")
    names = list(found.judged[0].measures)
    labels = {name: label(name, is_fid=found.is_fid) for name in names}
    header = ("", *(f"{judged.folder} ({judged.pictures})" for judged in found.judged))
    rows = [(labels[name], *(_cell(judged.measures[name]) for judged in found.judged)) for name in names]
    # Through a pipe, a table has no header, but several folders need one.
    say_table(header, rows if sys.stdout.isatty() else [header, *rows])
    for name in names:
        for judged in found.judged:
            remark = _remark(judged.measures[name])
            if remark:
                where = f", {judged.folder}" if len(found.judged) > 1 else ""
                say_note(f"{labels[name]}{where}: {remark}")
    if not found.is_fid and "frechet" in names:
        say_note(f"distances on {found.extractor} are no FID: compare them only with others on the same features")


def _cell(measured: "Measured") -> str:
    from impasto.evaluation.estimate import Refused

    if isinstance(measured, Refused):
        return "-"
    ends = "" if measured.low is None else f" [{measured.low:.4g}, {measured.high:.4g}]"
    return f"{measured.value:.4g}{ends}"


def _remark(measured: "Measured") -> str:
    from impasto.evaluation.estimate import Refused

    return f"not given: {measured.reason}" if isinstance(measured, Refused) else measured.note

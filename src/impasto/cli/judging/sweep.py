"""`impasto evaluate --sweep`: paints prompts along one setting and draws how the measures change."""

import copy
import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from impasto.cli.console import say, say_json, say_note, say_table
from impasto.cli.painting.picture_options import PictureOptions
from impasto.cli.run_job import run_job
from impasto.errors import UsageError
from impasto.evaluation.labels import label

if TYPE_CHECKING:
    from impasto.jobs.judging.sweep import Sweep

# Options that `evaluate` has itself; the prompts come from a file.
_OWN = ("prompt", "artist", "seed", "device")
_PANEL = "Paintings of --sweep"
_option = partial(typer.Option, rich_help_panel=_PANEL)

SweepWords = Annotated[
    str,
    _option(
        help="Paint along a setting and measure each value: guidance=1.5:8, guidance=1.5:8:1.5, steps=5,10,20,"
        " sampler=ddim,dpm++ and the like. Then PAINTINGS are left out.",
        metavar="AXIS=VALUES",
    ),
]
SweepPrompts = Annotated[str, _option(help="What is painted: one prompt a line.", metavar="FILE")]
Batch = Annotated[int | None, _option("--batch", help="How many to paint at once; as many as fit if not given.")]


def with_sweep(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator that adds the options of a picture after the command's own; it gets them as `painting: PictureOptions`."""
    offered = [option for option in fields(PictureOptions) if option.name not in _OWN]

    def run(**given: Any) -> None:
        painting = PictureOptions(**{option.name: given.pop(option.name) for option in offered})
        command(painting=painting, **given)

    kind = inspect.Parameter.KEYWORD_ONLY
    own = [p.replace(kind=kind) for p in inspect.signature(command).parameters.values() if p.name != "painting"]
    options = [
        inspect.Parameter(option.name, kind, default=option.default, annotation=_in_panel(option.type)) for option in offered
    ]
    run.__signature__ = inspect.Signature([*own, *options])  # pyright: ignore[reportFunctionMemberAccess]
    run.__annotations__ = {p.name: p.annotation for p in (*own, *options)}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def _in_panel(annotation: Any) -> Any:
    kind, info = get_args(annotation)[:2]
    info = copy.copy(info)
    info.rich_help_panel = _PANEL
    return Annotated[kind, info]


def check_no_sweep(painting: PictureOptions, prompts: str, batch: int | None) -> None:
    """Raises UsageError if an option of a sweep's paintings is given without --sweep."""
    given = {"prompts": bool(prompts), "batch": batch is not None}
    given |= {option.name: getattr(painting, option.name) != option.default for option in fields(PictureOptions)}
    for name in [name for name, is_given in given.items() if is_given]:
        raise UsageError(f"--{name.replace('_', '-')} is for --sweep, which paints; PAINTINGS are painted already")


def evaluate_sweep(
    painting: PictureOptions, *, artist: str | None, out: Path | None, count: int | None, as_json: bool, **options: Any
) -> None:
    """Runs the job and prints its table, or its numbers as JSON."""
    from impasto.jobs.judging.sweep import USUAL_COUNT, SweepJob

    shared = {name: value for name, value in painting.fields().items() if name not in _OWN}
    job = SweepJob(
        **shared, artist=artist or "", out=Path("sweep") if out is None else out,
        count=USUAL_COUNT if count is None else count, **options,
    )  # fmt: skip
    found: Sweep = run_job(job)
    if as_json:
        from impasto.jobs.judging.sweep_report import sweep_as_dict

        files = {what: str(file) for what, file in found.files.items()}
        say_json({**sweep_as_dict(found), "painted": found.painted, "kept": found.kept, "files": files})
        return
    _print(found)


def _print(found: "Sweep") -> None:
    from impasto.evaluation.estimate import Estimate, Refused
    from impasto.jobs.judging.sweep_report import curve_of, table_rows

    curve = curve_of(found)
    say(curve.title)
    header, *rows = table_rows(curve)
    say_table(header, [header, *rows])
    for name, measures in curve.measures.items():
        reason = next((one.reason for one in measures if isinstance(one, Refused)), "")
        words = label(name, is_fid=curve.is_fid)
        if reason:
            say_note(f"{words}: not given: {reason}")
        elif curve.is_within_chance(name):
            say_note(f"{words}: all intervals overlap that of the best value, so it may be best by chance")
    if not curve.is_fid and isinstance(curve.measures.get("frechet", [None])[0], Estimate):
        extractor = found.evaluation.extractor
        say_note(f"distances on {extractor} are no FID: compare them only with others on the same features")
    say(f"{found.painted} painted, {found.kept} kept  {found.seconds:.1f} s")
    for file in found.files.values():
        say(file)

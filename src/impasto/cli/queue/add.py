"""`impasto queue add`: leaves the job of any verb to the queue."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.console import say, say_json
from impasto.cli.queue.opening import WorkspaceFolder, open_queue
from impasto.cli.run_job import TakenJob, taking_job
from impasto.errors import ImpastoError, UsageError

if TYPE_CHECKING:
    from impasto.jobs.base import Job
    from impasto.jobs.batch import BatchJob

RunVerb = Callable[[Sequence[str]], object]


def add_verb(run: RunVerb) -> Callable[..., None]:
    """Returns the verb; `run` runs a command line of `impasto`."""

    def add(
        words: Annotated[
            list[str] | None, typer.Argument(help="A verb with its options: paint, inpaint, train lora, data tag, ...",
                                             metavar="VERB ...", show_default=False)
        ] = None,
        priority: Annotated[int, typer.Option("--priority", "-p", help="-1000 to 1000; higher ones run first.")] = 0,
        front: Annotated[bool, typer.Option("--front", help="Before the others of its priority.")] = False,
        paused: Annotated[bool, typer.Option("--paused", help="Let it wait for `impasto queue resume`.")] = False,
        prompts: Annotated[
            Path | None, typer.Option(help="With paint: paint each line of this file.", metavar="FILE")
        ] = None,
        artists: Annotated[
            str, typer.Option(help="With paint: by each of these; none for without.", metavar="A,B|@FILE")
        ] = "",
        vary: Annotated[
            list[str] | None,
            typer.Option(help="With paint: each value of an option, such as steps=10,20; may be repeated.",
                         metavar="OPTION=VALUES"),
        ] = None,
        jobs: Annotated[
            str | None, typer.Option(help="Instead of a verb: jobs as JSON, one a line; - for stdin.", metavar="FILE|-")
        ] = None,
        key: Annotated[
            str | None, typer.Option(help="A key of your own: the same key is accepted once.", metavar="TEXT")
        ] = None,
        workspace: WorkspaceFolder = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the accepted jobs as JSON.")] = False,
    ) -> None:
        """Leave a job to the queue. Its options go before the verb, the verb's options after it."""
        is_batch = prompts is not None or bool(artists) or bool(vary)
        if (jobs is None) == (not words):
            raise UsageError("name a verb with its options (`impasto queue add paint \"boats\"`), or --jobs FILE")
        if jobs is not None:
            if is_batch:
                raise UsageError("--prompts, --artists and --vary go with paint, not with --jobs")
            made = _read_jobs(jobs)
        else:
            lines = _lines(prompts, "--prompts") if prompts is not None else []
            taken = _take(run, [*(words or []), *(["--", lines[0]] if lines else [])])
            made = [_batch(taken, lines, artists, vary or []) if is_batch else taken]
        if key is not None and len(made) > 1:
            raise UsageError("--key is for one job")
        accepted = open_queue(workspace).add_all(
            made, priority=priority, origin="cli", folder=Path.cwd(), requests=[key] if key else [], front=front,
            paused=paused,
        )  # fmt: skip
        for one in accepted:
            if as_json:
                say_json(asdict(one), indent=None)
            else:
                say(f"job {one.id}  {one.kind}  {one.title}" + (f"  {one.units} parts" if one.units > 1 else ""))

    return add


def _take(run: RunVerb, words: Sequence[str]) -> "Job":
    try:
        with taking_job():
            run(words)
    except TakenJob as taken:
        return taken.job
    raise UsageError(f"`impasto {words[0]}` runs at once and makes no job: the queue has nothing to do with it")


def _read_jobs(name: str) -> "list[Job]":
    from impasto.jobs import job_from_json

    made: list[Job] = []
    for number, line in enumerate(_text(name, "--jobs").splitlines(), start=1):
        if line.strip():
            try:
                made.append(job_from_json(line))
            except ImpastoError as error:
                raise UsageError(f"{name}, line {number}: {error}; no job was accepted") from None
    if not made:
        raise UsageError(f"--jobs {name}: there is no job in it")
    return made


def _text(name: str, option: str) -> str:
    from impasto.files import check_file, decoded

    if name == "-":
        return sys.stdin.read()
    path = Path(name).expanduser()
    check_file(path, f"{option} ")
    return decoded(path.read_bytes())


def _lines(file: Path, option: str) -> list[str]:
    lines = [line.strip() for line in _text(str(file), option).splitlines() if line.strip()]
    if not lines:
        raise UsageError(f"{option} {file}: there is no line in it")
    return lines


def _batch(job: "Job", prompts: Sequence[str], artists: str, vary: Sequence[str]) -> "BatchJob":
    from impasto.jobs.batch import OWN_FIELDS, BatchJob
    from impasto.jobs.painting.paint import PaintJob

    if not isinstance(job, PaintJob):
        raise UsageError(f"--prompts, --artists and --vary go with paint, not with {job.kind}")
    given = json.loads(job.model_dump_json(exclude_defaults=True))
    for field in ("expand_count", "expand_original", "sheet", "keep_all", "batch"):
        if field in given:
            raise UsageError(f"--{field.replace('_', '-')} does not go with --prompts, --artists or --vary")
    named = tuple(given.get("artists", ()))
    if artists:
        if named or job.artist:
            raise UsageError("name the artists with --artists or with paint's own --artist, not with both")
        named = tuple(_lines(Path(artists[1:]), "--artists")) if artists.startswith("@") else _split(artists)
    return BatchJob(
        base={name: value for name, value in given.items() if name not in OWN_FIELDS}, prompts=tuple(prompts), artists=named,
        settings=tuple(_varied(vary)), seed=job.seed, count=job.count, out=job.out,
    )  # fmt: skip


def _varied(options: Sequence[str]) -> Iterator[dict[str, Any]]:
    """All combinations of the values of several options."""
    axes: list[tuple[str, tuple[str, ...]]] = []
    for option in options:
        name, _, values = option.partition("=")
        if not name.strip() or not _split(values):
            raise UsageError(f"--vary {option}: use OPTION=VALUE,VALUE, such as steps=10,20")
        axes.append((name.strip().lstrip("-").replace("-", "_"), _split(values)))
    if axes:
        for values in product(*(values for _, values in axes)):
            yield {name: _value(value) for (name, _), value in zip(axes, values, strict=True)}


def _split(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | bool) else text

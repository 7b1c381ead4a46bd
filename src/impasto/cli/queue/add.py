"""`impasto queue add`: leaves the job of any verb to the queue."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.cli.painting.batch_options import batch_of, lines_of, text_of
from impasto.cli.queue.opening import WorkspaceFolder, open_queue
from impasto.cli.run_job import TakenJob, taking_job
from impasto.errors import ImpastoError, UsageError

if TYPE_CHECKING:
    from impasto.jobs.base import Job

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
            lines = lines_of(prompts, "--prompts") if prompts is not None else []
            taken = _take(run, [*(words or []), *(["--", lines[0]] if lines else [])])
            made = [batch_of(taken, lines, artists, vary or []) if is_batch else taken]
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
    for number, line in enumerate(text_of(name, "--jobs").splitlines(), start=1):
        if line.strip():
            try:
                made.append(job_from_json(line))
            except ImpastoError as error:
                raise UsageError(f"{name}, line {number}: {error}; no job was accepted") from None
    if not made:
        raise UsageError(f"--jobs {name}: there is no job in it")
    return made

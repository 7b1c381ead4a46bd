"""`impasto prefer`: serves a page for votes between two pictures, or prints the scores from the votes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import say
from impasto.cli.run_job import run_job
from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.jobs.events import Event

_USUAL_QUESTION = "Which picture is better?"


def prefer(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Folders of pictures, two or more; with --scores logs of votes.", metavar="FOLDERS..."),
    ],
    log: Annotated[
        Path | None, typer.Option(help="Where votes go: a file that only grows, new or begun before.", metavar="FILE.jsonl")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Ask which picture is more by this artist.", metavar="NAME")] = None,
    question: Annotated[
        str | None, typer.Option(help=f'Ask this; "{_USUAL_QUESTION}" if not given.', metavar="TEXT")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="Who votes, to tell judges apart; the login name if not given.", metavar="NAME")
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many votes.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The page's port; 0 for any that is free.")] = 0,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    scores: Annotated[bool, typer.Option("--scores", help="Print what the votes in logs come to.")] = False,
    regularize: Annotated[
        bool, typer.Option("--regularize", help="With --scores: add one tie for each two folders that were compared.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="With --scores: of the intervals' resampling.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="With --scores: print JSON.")] = False,
) -> None:
    """Let persons judge, blind: two pictures, which is better? With --scores, Bradley-Terry scores of the folders."""
    from impasto.jobs.judging.prefer import PreferJob, asked_question

    asked = asked_question(by, question)
    if scores:
        if log is not None or judge is not None or count is not None or port or open_page:
            raise UsageError("--log, --judge, --count, --port and --open are for voting: --scores takes the logs alone")
        from impasto.cli.judging.prefer_scores import print_scores

        print_scores(paths, asked, regularize=regularize, seed=seed, as_json=as_json)
        return
    if regularize or as_json or seed:
        raise UsageError("--regularize, --seed and --json go with --scores")
    if log is None:
        raise UsageError("say where the votes go: --log votes.jsonl")

    def show(event: "Event") -> None:
        url = getattr(event, "values", {}).get("url")
        if url:
            say(url)
            if open_page:
                import webbrowser

                webbrowser.open(url)

    job = PreferJob(folders=tuple(paths), log=log, question=question, by=by, judge=judge, count=count, port=port)
    done = run_job(job, begin="looking", on_event=show)
    say(f"{done.votes} vote{'' if done.votes == 1 else 's'} more in {log}: see `impasto prefer --scores {log}`")

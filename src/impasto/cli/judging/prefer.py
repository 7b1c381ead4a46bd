"""`impasto prefer`: a page that asks which of two pictures is the better one, and what the answers come to."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.errors import UsageError

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
    if by is not None and question is not None:
        raise UsageError("--by and --question ask two questions: give one of them")
    asked = _asked(by, question)
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
    from impasto.cli.judging.prefer_page import serve_page

    serve_page(paths, log, asked or _USUAL_QUESTION, judge=judge, count=count, port=port, open_page=open_page)


def _asked(by: str | None, question: str | None) -> str | None:
    from impasto.data.catalogue.plain_text import cleaned
    from impasto.evaluation.preference.votes import MAX_QUESTION

    given, option = (by, "--by") if by is not None else (question, "--question")
    if given is None:
        return None
    text = cleaned(given).strip()
    if not text or len(text) > MAX_QUESTION:
        raise UsageError(f"{option} is {'empty' if not text else f'longer than {MAX_QUESTION} characters'}")
    return f"Which picture is more by {text}?" if by is not None else text

"""`impasto queue`: jobs that wait for a worker, and the worker."""

import typer

from impasto.cli.queue.add import RunVerb, add_verb
from impasto.cli.queue.change import cancel, clear, move, pause, resume, retry
from impasto.cli.queue.look import list_jobs, show
from impasto.cli.queue.work import work


def queue_app(run: RunVerb) -> typer.Typer:
    """Returns `impasto queue`; `run` runs a command line of `impasto`, for `queue add VERB ...`."""
    app = typer.Typer(help="Leave jobs to a worker: nothing is lost when a terminal closes.", no_args_is_help=True)
    app.command("add", context_settings={"allow_interspersed_args": False})(add_verb(run))
    app.command("list")(list_jobs)
    for verb in (show, pause, resume, cancel, retry, move, clear, work):
        app.command()(verb)
    return app

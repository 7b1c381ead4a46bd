"""The `impasto` command: registers the verbs, one per file, and converts an error to one line and an exit code."""

import atexit
import errno
import functools
import gc
import io
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from impasto import __version__
from impasto.checkpoints.light_diffusers import import_diffusers_lightly
from impasto.cli.console import say_error
from impasto.cli.credentials.app import credentials
from impasto.cli.credentials.sign import sign
from impasto.cli.data.app import data
from impasto.cli.data.knowledge import knowledge
from impasto.cli.data.search import search
from impasto.cli.doctor import doctor
from impasto.cli.editing.attention import attention
from impasto.cli.editing.control import control
from impasto.cli.editing.edit import edit
from impasto.cli.editing.inpaint import inpaint
from impasto.cli.editing.instruct import instruct
from impasto.cli.editing.outpaint import outpaint
from impasto.cli.fleet_options import SPREADING
from impasto.cli.gallery import gallery_app
from impasto.cli.jobs import jobs
from impasto.cli.judging.evaluate import evaluate
from impasto.cli.judging.prefer import prefer
from impasto.cli.judging.reproduce import reproduce
from impasto.cli.mcp import mcp
from impasto.cli.painting.artists import artists
from impasto.cli.painting.cache import cache
from impasto.cli.painting.checkpoints import checkpoints
from impasto.cli.painting.compose import compose
from impasto.cli.painting.expand import expand
from impasto.cli.painting.grid import grid
from impasto.cli.painting.paint import paint
from impasto.cli.painting.picture_options import OFF
from impasto.cli.painting.repaint import repaint
from impasto.cli.painting.show import show
from impasto.cli.painting.upscale import upscale
from impasto.cli.queue.app import queue_app
from impasto.cli.stopping import hear_ctrl_c_everywhere
from impasto.cli.studio import studio
from impasto.cli.train.app import train
from impasto.cli.train.runs import runs_app
from impasto.errors import ImpastoError, StoppedError
from impasto.settings import hide_bitsandbytes, limit_spinning_on_a_busy_machine
from impasto.training.distributed.launch import process_number

app = typer.Typer(
    name="impasto",
    help="New paintings in the manner of the masters, offline.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(paint)
app.command()(show)
app.command()(repaint)
app.command()(inpaint)
app.command()(outpaint)
app.command()(upscale)
app.command()(sign)
app.add_typer(credentials, name="credentials")
app.command()(edit)
app.command()(instruct)
app.command()(attention)
app.add_typer(control, name="control")
app.command()(grid)
app.command()(artists)
app.command()(expand)
app.command()(compose)
app.add_typer(knowledge, name="knowledge")
app.add_typer(data, name="data")
app.command()(search)
app.command()(evaluate)
app.command()(prefer)
app.add_typer(reproduce, name="reproduce")
app.add_typer(checkpoints, name="checkpoints")
app.add_typer(cache, name="cache")
app.add_typer(train, name="train")
app.add_typer(runs_app(lambda words: main(words)), name="runs")
app.add_typer(queue_app(lambda words: _run(words)), name="queue")
app.command()(jobs)
app.add_typer(gallery_app, name="gallery")
app.command()(studio)
app.command()(mcp)
app.command()(doctor)

_PAINTING = ("paint", "repaint", "grid", "inpaint", "outpaint", "edit", "instruct", "attention")
STOPPED = 130  # 128 + SIGINT, as in shells
# Seconds. When the first process ends, it ends the others that train with it. If another process is still alive after this
# time, its error is its own and it reports it.
_OWN = 2.0


def _version(asked: bool) -> None:
    if asked:
        print(f"impasto {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _impasto(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    del version
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@functools.cache
def _command() -> Any:
    """The command with all verbs, built once in a process: typer inspects 90 functions for it."""
    return typer.main.get_command(app)


def _run(words: Sequence[str]) -> object:
    """Runs a command line within another one, and raises its errors."""
    return _command().main(args=list(words), prog_name="impasto", standalone_mode=False, obj=tuple(words))


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line `argv` (the process's own if None) and exits.

    Exit codes: 0 done, 1 failed, 2 an invalid request, 130 stopped by Ctrl-C. An error is one line on stderr; with
    `IMPASTO_DEBUG=1` its traceback is printed before it.
    """
    _quieten()
    if argv is None:
        _spare_the_collector()
        hear_ctrl_c_everywhere()
    command = _command()
    follows = False
    try:
        words = with_usual_method(sys.argv[1:] if argv is None else argv, "wu2022")
        if argv is None and words[:1] not in (["train"], ["runs"], []):
            limit_spinning_on_a_busy_machine()  # before anything imports torch
            hide_bitsandbytes()
            if words[0] in _PAINTING:
                import_diffusers_lightly()
        follows = words[:1] == ["train"] and process_number() > 0
        with _silence() if follows else nullcontext():
            # The words are passed on because a run records the command line that started it.
            result = command.main(args=words, prog_name="impasto", standalone_mode=False, obj=tuple(words))
            sys.stdout.flush()
            if result == STOPPED:  # typer's result for a KeyboardInterrupt that no verb caught
                say_error("stopped")
        raise SystemExit(result if isinstance(result, int) else 0)
    except Exception as error:
        if follows and isinstance(error, StoppedError):
            raise SystemExit(STOPPED) from None
        if follows:
            time.sleep(_OWN)
        if os.environ.get("IMPASTO_DEBUG"):
            import traceback

            traceback.print_exc()
        raise SystemExit(_report(error)) from None
    except KeyboardInterrupt:
        if not follows:
            say_error("stopped")
        raise SystemExit(STOPPED) from None


def with_usual_method(words: Sequence[str], usual: str) -> list[str]:
    """Replaces `--expand` without a value, which the parser does not support, by `--expand=<usual>`."""
    if "--expand" not in words:
        return list(words)
    from impasto.prompts.expansion.expander import METHODS

    written = list(words)
    for place, word in enumerate(words):
        if word == "--":
            break
        if word == "--expand" and (place + 1 == len(words) or words[place + 1] not in (OFF, *METHODS)):
            written[place] = f"--expand={usual}"
    return written


@contextmanager
def _silence() -> Iterator[None]:
    """Suppresses all output: of the processes that train together, only the first one prints."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield


def _spare_the_collector() -> None:
    """Reduces garbage collection during imports and at exit.

    Imports create a million objects that all stay alive. Searching them for garbage during the imports, and again at exit,
    takes a quarter of a short command's time.
    """
    gc.set_threshold(100_000, 20, 100)
    atexit.register(gc.freeze)


def _report(error: Exception) -> int:
    """Prints `error` on one line and returns its exit code."""
    if isinstance(error, StoppedError):
        say_error(error)
        return STOPPED
    if isinstance(error, ImpastoError):
        say_error(error)
        return error.exit_code
    if isinstance(error, TyperException):
        context = getattr(error, "ctx", None)
        help_text = f"{context.command_path if context else 'impasto'} --help"
        message = error.format_message().rstrip(".")
        if message.startswith("No such option: --on ") or message == "No such option: --on":
            message = f"No such option: --on, which goes with {SPREADING}"
        say_error(f"{message} (see `{help_text}`)")
        return error.exit_code
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        # The reader of the output has closed the pipe; buffered output must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, OSError) and error.strerror:
        say_error(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
        return 1
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _is_memory(str(error))):
        say_error("out of memory: use a smaller --size or --batch 1")
        return 1
    say_error(f"unexpected {type(error).__name__}: {error} (IMPASTO_DEBUG=1 shows the traceback)")
    return 1


def _is_memory(message: str) -> bool:
    return "out of memory" in message or "can't allocate memory" in message


def _quieten() -> None:
    """Suppresses the libraries' warnings and progress bars, and prevents encoding errors in printed text."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # The libraries read these variables when they are first imported, which the verbs do later.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if os.environ.get("IMPASTO_DEBUG"):
        return
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    if not sys.warnoptions:
        import warnings

        warnings.simplefilter("ignore")


if __name__ == "__main__":
    main()

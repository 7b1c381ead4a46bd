"""The command-line options that spread a verb's work over workers, and its line of progress."""

import inspect
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.fleet.place import Place
    from impasto.jobs.events import Progress

_fleet = partial(typer.Option, rich_help_panel="Fleet")

_OPTIONS: dict[str, tuple[Any, Any]] = {
    "on": (
        Annotated[
            str | None,
            _fleet(help="Spread the work: ray (this machine's cores) or ray://HOST:PORT (a cluster); see docs/fleet.md.",
                   metavar="ray|ray://HOST:PORT", show_default="this process"),
        ],
        None,
    ),
    "workers": (
        Annotated[
            int | None, _fleet(help="How many workers at most.", metavar="N", show_default="as many as cores or GPUs allow")
        ],
        None,
    ),
    "cores_per_worker": (Annotated[int, _fleet(help="Cores, and threads, of each worker.", metavar="N")], 1),
    "gpus_per_run": (
        Annotated[
            float | None, _fleet(help="GPUs of each worker.", metavar="N", show_default="1 if --device is one, else none")
        ],
        None,
    ),
}  # fmt: skip
FLEET_NAMES = tuple(_OPTIONS)
SPREADING = (
    "data caption, data tag, paint, evaluate, train wang2023-artist, train wang2023-masters, reproduce wang2023, queue work "
    "and studio"
)  # the verbs with `--on`
_SECONDS = 30.0  # between two lines of progress where there is no terminal

_place: "Place | None" = None


def chosen_place() -> "Place | None":
    """Returns where the present verb spreads its work; None for nowhere."""
    return _place


@contextmanager
def _chosen(place: "Place | None") -> Iterator[None]:
    global _place
    _place = place
    try:
        yield
    finally:
        _place = None


def with_fleet(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator that adds `--on` and what goes with it after the command's own options; `run_job` then obeys them."""

    def run(**given: Any) -> None:
        on, workers, cores, gpus = (given.pop(name, default) for name, (_, default) in _OPTIONS.items())
        if on is None:
            if workers is not None or cores != 1 or gpus is not None:
                raise UsageError("--workers, --cores-per-worker and --gpus-per-run go with --on")
            command(**given)
            return
        from impasto.fleet.place import Place

        with _chosen(Place.read(on, workers=workers, cores=cores, gpus=gpus)):
            command(**given)

    kind = inspect.Parameter.KEYWORD_ONLY
    own = [one.replace(kind=kind) for one in inspect.signature(command).parameters.values()]
    options = [
        inspect.Parameter(name, kind, default=default, annotation=annotation)
        for name, (annotation, default) in _OPTIONS.items()
    ]
    run.__signature__ = inspect.Signature([*own, *options])  # pyright: ignore[reportFunctionMemberAccess]
    run.__annotations__ = {p.name: p.annotation for p in (*own, *options)}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def fleet_words(figures: Mapping[str, float]) -> str:
    """Returns the workers' figures of a progress event in words: "4.1 rows/s, 2 min to go, 3 workers, 1 lost"."""
    words = []
    if figures.get("rows_per_second"):
        words.append(f"{figures['rows_per_second']:.3g} rows/s")
    if "eta_seconds" in figures:
        words.append(f"{_duration(figures['eta_seconds'])} to go")
    if "workers" in figures:
        words.append(f"{figures['workers']:.0f} worker" + ("" if figures["workers"] == 1 else "s"))
    for name, told in (("lost_workers", "lost"), ("retries", "units sent again")):
        if figures.get(name):
            words.append(f"{figures[name]:.0f} {told}")
    return ", ".join(words)


def _duration(seconds: float) -> str:
    for size, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


class FleetLine:
    """One line about the whole: for a bar on a terminal, else printed to stderr every half minute."""

    def __init__(self, stage: "Callable[[Progress], str] | None") -> None:
        self._stage = stage
        self._said = time.monotonic()

    def __call__(self, progress: "Progress") -> str:
        """Returns the line."""
        stage = progress.stage if self._stage is None else self._stage(progress)
        told = fleet_words(progress.figures)
        text = f"{stage}  {told}" if told else stage
        if self._stage is None and not sys.stderr.isatty() and time.monotonic() - self._said > _SECONDS:
            self._said = time.monotonic()
            print(text, file=sys.stderr, flush=True)
        return text

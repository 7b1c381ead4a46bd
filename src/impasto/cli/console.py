"""Console output of all verbs: results on stdout; notes, errors and progress on stderr.

A terminal gets colours and boxes; a pipe gets one plain line per fact, never folded or truncated.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Control characters and Unicode's line breaks, with the spaces around them; surrogates from undecodable characters.
_CONTROLS = re.compile(r"\s*[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+\s*")


def one_line(text: object) -> str:
    """Returns `text` on one line, without control characters, which could control a terminal."""
    return _CONTROLS.sub(" ", str(text)).strip()


def say_error(message: object) -> None:
    """Prints `error: ...` on stderr, on one line."""
    print(f"error: {one_line(message)}", file=sys.stderr)


def say_note(message: object) -> None:
    """Prints `note: ...` on stderr, on one line; the work continues."""
    print(f"note: {one_line(message)}", file=sys.stderr)


def say(message: object) -> None:
    """Prints one line of a result on stdout."""
    print(one_line(message), flush=True)


def say_json(value: Any, *, indent: int | None = 1) -> None:
    """Prints `value` as JSON on stdout, with paths as text; on one line with `indent=None`."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=_plain)
    # JSON does not escape the second block of control characters.
    print(re.sub(r"[\x7f-\x9f\u2028\u2029]", lambda c: f"\\u{ord(c.group()):04x}", text), flush=True)


def say_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints rows under a header; through a pipe, tab-separated without the header."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(one_line(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, header_style="bold", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            *(Text(one_line(c), justify="right" if isinstance(c, int | float) else "left") for c in row)
        )
    Console().print(table)


def say_facts(facts: Sequence[tuple[str, object]], title: str = "") -> None:
    """Prints names and values, one pair per line (`name: value` through a pipe); empty values are left out."""
    shown = [(name, one_line(value)) for name, value in facts if value is not None and value != ""]
    if not sys.stdout.isatty():
        for name, value in shown:
            print(f"{name}: {value}")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("", "", show_header=False, box=None, pad_edge=False, title=Text(title) if title else None)
    table.title_justify = "left"
    for name, value in shown:
        table.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
    Console().print(table)


@contextmanager
def progress_bar(description: str, total: float, *, times: bool = True) -> Iterator[Callable[[str, float], None]]:
    """Context manager that shows a progress bar on stderr and yields its update callback (description, amount done).

    If stderr is no terminal, no bar is shown.

    Args:
        description: the initial text of the bar.
        total: the amount at the end.
        times: whether the bar shows the elapsed and the remaining time.
    """
    if not sys.stderr.isatty():
        yield lambda description, done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns: tuple[ProgressColumn, ...] = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        *((TimeElapsedColumn(), TimeRemainingColumn()) if times else ()),
    )
    # Output to stdout is printed above the bar, unless stdout is a pipe or a file.
    both = sys.stdout.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=both) as progress:
        task = progress.add_task(description, total=total)

        def update(description: str, done: float) -> None:
            progress.update(task, description=description, completed=done)

        yield update


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else repr(value)

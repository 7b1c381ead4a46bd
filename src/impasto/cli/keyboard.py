"""Reads single keys and edited lines from a terminal or from a pipe."""

import sys


def read_key() -> str:
    """Returns the next key in lower case; "" at the end of the input. From a pipe, white space is skipped.

    A sequence that a terminal sends at once is returned in one piece, so that an arrow key (ESC [ A) is not read as "a".

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    if not sys.stdin.isatty():
        key = sys.stdin.read(1)
        while key.isspace():
            key = sys.stdin.read(1)
        return key.lower()
    import typer

    try:
        return typer.getchar().lower()
    except EOFError:
        return ""


def edit_line(prompt: str, old: str) -> str | None:
    """Lets the user edit the line `old` and returns the result; None if the edit is cancelled (Ctrl-C, Ctrl-D).

    From a pipe, it returns the rest of the line, or the next line if the rest is empty.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip() or sys.stdin.readline().strip() or None
    import readline

    readline.set_startup_hook(lambda: readline.insert_text(old))
    try:
        return input(prompt)
    except (EOFError, KeyboardInterrupt):
        print()
        return None
    finally:
        readline.set_startup_hook(None)

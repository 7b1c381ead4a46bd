"""Single keys and edited lines, from a terminal or from a pipe."""

import sys


def read_key() -> str:
    """The next key in small letters, "" at the end of the input. Through a pipe white space is no key.

    What a terminal sends at once stays in one piece, so that an arrow (ESC [ A) is not taken for an "a".

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
    """A line that the user edits, beginning with `old`; None when the edit is given up (Ctrl-C, Ctrl-D).

    Through a pipe it is the rest of the line, or the next one where that is empty.
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

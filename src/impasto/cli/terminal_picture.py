"""A picture in the terminal: in pixels where it can (sixel, kitty), in half blocks elsewhere."""

import sys
from pathlib import Path

from impasto.cli.console import say_note
from impasto.errors import ImpastoError

_ROWS_BELOW = 11  # what is told of the picture, and the keys
_MOST_PIXELS = 800  # of a side: more only takes time to send


def show_picture(file: Path) -> None:
    """Prints the picture above what follows. Without a terminal nothing happens; what hinders is a note."""
    if not sys.stdout.isatty():
        return
    from rich.console import Console

    from impasto.data.catalogue.pictures import open_picture

    try:
        picture = open_picture(file)
        picture.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
        from textual_image.renderable import Image  # asks the terminal what it can

        console = Console()
        console.print(Image(picture, width="auto", height="auto"), height=max(4, console.height - _ROWS_BELOW))
    except ImportError:
        say_note("pictures are not shown here: install impasto[data], or use --open")
    except ImpastoError as error:
        say_note(error)
    except Exception as error:  # terminals answer, and count their cells, in many ways
        say_note(f"the picture cannot be shown in this terminal ({type(error).__name__}): use --open")


def open_in_viewer(file: Path) -> None:
    """Opens the picture with what the system opens pictures with."""
    import typer

    if typer.launch(str(file)) != 0:
        say_note(f"no viewer opened {file}")

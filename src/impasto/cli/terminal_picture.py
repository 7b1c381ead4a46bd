"""Shows a picture in the terminal: in pixels if the terminal supports it (sixel, kitty), otherwise in half blocks."""

import sys
from pathlib import Path

from impasto.cli.console import say_note
from impasto.errors import ImpastoError

_ROWS_BELOW = 11  # terminal rows for the facts about the picture and the keys
_MOST_PIXELS = 800  # maximal side: more pixels only take longer to send


def show_picture(file: Path) -> None:
    """Prints the picture in the terminal. Without a terminal, it does nothing; a problem becomes a note."""
    if not sys.stdout.isatty():
        return
    from rich.console import Console

    from impasto.data.catalogue.pictures import open_picture

    try:
        picture = open_picture(file)
        picture.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
        from textual_image.renderable import Image  # the import queries the terminal's capabilities

        console = Console()
        console.print(Image(picture, width="auto", height="auto"), height=max(4, console.height - _ROWS_BELOW))
    except ImportError:
        say_note("pictures are not shown here: install impasto[data], or use --open")
    except ImpastoError as error:
        say_note(error)
    except Exception as error:  # terminals answer queries, and report cell sizes, in many ways
        say_note(f"the picture cannot be shown in this terminal ({type(error).__name__}): use --open")


def open_in_viewer(file: Path) -> None:
    """Opens the picture in the system's default viewer."""
    import typer

    if typer.launch(str(file)) != 0:
        say_note(f"no viewer opened {file}")
